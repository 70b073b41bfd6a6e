# SPDX-License-Identifier: Apache-2.0
"""A Linux guest with KASLR on: one attach, the symbols moved to where it runs, breakpoints by name."""
import os
import re

import gdb

from session import address, check, check_stop, clean, do, go, hits, run, set_breakpoint, stop_now

SYMBOLS = os.environ["LINUX_SYMBOLS"]
OFFSET = int(os.environ["LINUX_OFFSET"], 0)
LINK = int(os.environ["LINUX_LINK"], 0)  # of vectors


def load_symbols():
    do("add-symbol-file %s -o %#x" % (SYMBOLS, OFFSET))
    check("add-symbol-file -o: the symbols are where the kernel runs",
          OFFSET != 0 and address("vectors") == LINK + OFFSET, "%#x" % address("vectors"))


def test_break():
    number = set_breakpoint("break __arm64_sys_getppid")
    stop = go()
    check_stop("break, continue: it stops in a system call", stop, at="__arm64_sys_getppid", by=number)
    trace = do("backtrace")
    check("backtrace: called by invoke_syscall", re.search("^#1 .* in invoke_syscall ", trace, re.M), trace)
    go()
    check("continue: and again", hits(number) == 2, hits(number))


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


def linux():
    load_symbols()
    test_break()
    clean()
    test_hardware()
    test_step()
    clean()
    stop = stop_now()
    check("Ctrl-C: it stops", stop.signal in ("SIGINT", "SIGTRAP") and not stop.numbers, stop)


gdb.execute("set architecture aarch64")
run(linux)
