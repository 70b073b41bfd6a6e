# SPDX-License-Identifier: Apache-2.0
"""The guest from its first instruction on: before paging, and how its other CPUs come up."""
from session import *


def first_instruction():
    at = address("boot_start")
    check("target remote: at the first instruction", pc() == at, hex(pc()))
    check("x/16xb at it, by physical address", memory(at, 16) == in_file(at, 16))
    said = do("info threads")
    check("info threads: %d, though only one has started" % VCPUS, len(threads()) == VCPUS, said)
    check("x of a kernel address that is not mapped yet: an error",
          IS_X86 and refused("x/xb worker_round") is not None or not IS_X86)
    stop = go("stepi")
    check("stepi before paging", stop.pc > at and stop.pc < at + 16 and stop.thread == 1, stop)
    stop = go("stepi")
    check("stepi before paging, again", stop.pc > at and stop.thread == 1, stop)


def before_paging():
    at = address("boot_protected") + 11 if IS_X86 else address("boot_mmu") + 8
    kind = "break" if able("early software breakpoints") else "hbreak"
    number = set_breakpoint("%s *0x%x" % (kind, at))
    stop = go()
    check_stop("%s *ADDRESS; continue, before paging" % kind, stop, by=number)
    check("stopped there", stop.pc == at, stop)
    do("delete")


def with_paging():
    number = set_breakpoint("break *cpu_main")
    stop = go()
    check_stop("break *cpu_main before it is mapped; continue", stop, at="cpu_main", by=number, thread=1)
    check("the first CPU", value("$rdi" if IS_X86 else "$x0") == 0, stop)
    do("delete")
    number = set_breakpoint("hbreak *cpu_main")
    others = [go() for _ in range(VCPUS - 1)]
    check("hbreak *cpu_main: each other CPU, on its own vCPU",
          [(stop.thread, number in stop.numbers) for stop in others] ==
          [(n + 2, True) for n in range(VCPUS - 1)], others and others[-1])
    do("delete")
    do("tbreak *guest_main")
    stop = go()
    check("tbreak *guest_main; continue", stop.function == "guest_main", stop)


def boot():
    first_instruction()
    if needs("early hardware breakpoints", "break before paging"):
        before_paging()
    with_paging()


run(boot)
