# SPDX-License-Identifier: Apache-2.0
"""The guest's end is seen before its VMM hears of it: a triple fault (x86), a reset (arm64)."""
from session import *


def triple_fault():
    """No page table, so no way to tell the guest so."""
    do("tbreak *worker_round")
    stop = go()
    at = stop.pc
    do("set var $cr3 = 0")
    stop = go()
    check("a triple fault stops, with SIGSEGV", stop.signal == "SIGSEGV", stop)
    check("and why is told in words", "has crashed" in stop.said, stop)
    # Where the CPU is Intel's; SVM has reset the registers by then.
    check("info registers: pc is where it happened, or that of a reset", stop.pc in (at, 0xfffffff0), stop)
    check("and cr3 what it was then", value("$cr3") == 0 or stop.pc != at)


def reset():
    """Asked for by PSCI, through an instruction of the guest's own that makes such calls."""
    said = do("monitor stop-at-reset on")
    check("monitor stop-at-reset on", "stops" in said, said)
    do("tbreak *arch_start_cpu")
    calls = in_file(address("arch_start_cpu"), 64)
    hvc = [n for n in range(0, 64, 4) if struct.unpack_from("<I", calls, n)[0] == 0xd4000002]
    check("the guest has an instruction for it", hvc != [])
    do("delete")
    do("set var $x0 = 0x84000009")
    do("set var $pc = 0x%x" % (address("arch_start_cpu") + hvc[0]))
    stop = go()
    check("a reset stops, without a breakpoint", stop.signal in (None, "SIGTRAP") and not stop.numbers, stop)
    check("and why is told in words", "asks for its reset" in stop.said, stop)
    check("info registers: behind the call, with what KVM answers a guest that goes on all the same",
          stop.function == "arch_start_cpu" and value("$x0") == (-6 & MASK), stop)


def ending():
    if IS_X86:
        triple_fault()
    else:
        reset()
    error = refused("continue")
    check("continue: now it comes to its end", error is not None or gdb.selected_thread() is None or
          gdb.selected_inferior().pid == 0, error)


run(ending)
