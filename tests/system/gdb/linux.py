# SPDX-License-Identifier: Apache-2.0
"""A Linux guest with KASLR on: breakpoints by name, the symbols moved to where the kernel runs.

Twice: gdb is started with them, as with vmlinux, and qOffsets does it; or they are loaded with the offset that
`monitor kaslr` tells.
"""
import os
import re

import gdb

from session import (address, check, check_stop, clean, do, go, hits, needs, run, set_breakpoint,
                     stop_now, value)

SYMBOLS = os.environ["LINUX_SYMBOLS"]
VECTORS = int(os.environ["LINUX_VECTORS"], 0)  # where they are, by the guest's own word


def kaslr():
    """What `monitor kaslr` finds: the method, the offset as gdb wants it."""
    said = do("monitor kaslr")
    method = re.search("found by (.*)", said)
    offset = re.search("symbol-file -o (0x[0-9a-f]+)", said)
    return (method.group(1) if method else said, int(offset.group(1), 0) if offset else None)


def load_symbols():
    method, offset = kaslr()
    check("monitor kaslr: finds it, and the offset by vmcoreinfo", "vmcoreinfo, by way of VBAR_EL1" in method and
          offset, method)
    do("add-symbol-file %s -o %#x" % (SYMBOLS, offset))
    check("add-symbol-file -o: the symbols are where the kernel runs", address("vectors") == VECTORS,
          "%#x, not %#x" % (address("vectors"), VECTORS))
    return offset


def test_break():
    number = set_breakpoint("break __arm64_sys_getppid")
    stop = go()
    check_stop("break, continue: it stops in a system call", stop, at="__arm64_sys_getppid", by=number)
    trace = do("backtrace")
    check("backtrace: called by invoke_syscall", re.search("^#1 .* in invoke_syscall ", trace, re.M), trace)
    go()
    check("continue: and again", hits(number) == 2, hits(number))


def test_user(offset):
    """Where the system call returns to: there the kernel's text is not mapped (KPTI)."""
    name = "in user mode"
    if not needs("user hardware breakpoints", name):
        return
    user_pc = value("*(unsigned long *)($x0 + 256)")  # struct pt_regs
    clean()
    number = set_breakpoint("hbreak *%#x" % user_pc)
    stop = go()
    check("hbreak, continue: it stops %s" % name, number in stop.numbers and stop.pc == user_pc, stop)
    vbar = value("$VBAR_EL1")
    check("the guest has KPTI: other vectors %s" % name, vbar != VECTORS, "%#x" % vbar)
    method, found = kaslr()
    check("monitor kaslr: finds the same %s" % name, found == offset, method)
    check("and not by a search of all memory", "VBAR_EL1" in method, method)


def test_hardware():
    number = set_breakpoint("hbreak __arm64_sys_clock_nanosleep")
    check_stop("hbreak, continue: it stops in another one", go(), at="__arm64_sys_clock_nanosleep",
               by=number)
    do("delete")


def test_step():
    stop = go("stepi")
    check("stepi: the next instruction", not stop.numbers and stop.signal in (None, "SIGTRAP"), stop)
    stop = go("finish")
    check("finish: back in its caller", stop.function == "invoke_syscall", stop)


def test_anywhere(offset):
    found = []
    for _ in range(5):
        stop_now(0.1)
        found.append(kaslr())
    check("Ctrl-C, monitor kaslr: the same wherever it stops", all(at == offset for _, at in found), found)


def vmlinux():
    check("gdb with the symbols, target remote: they are where the kernel runs", address("vectors") == VECTORS,
          "%#x, not %#x" % (address("vectors"), VECTORS))
    test_break()


def linux():
    offset = load_symbols()
    test_break()
    test_user(offset)
    clean()
    test_hardware()
    test_step()
    test_anywhere(offset)


gdb.execute("set architecture aarch64")
run(vmlinux if os.environ["STAGE_ELF"] else linux)
