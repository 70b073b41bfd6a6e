# SPDX-License-Identifier: Apache-2.0
"""breakpoint set: by name and address, in hardware, with conditions and counts, hidden from reads."""
from session import *

SOFTWARE = able("software breakpoints")


def by_name(options):
    number = set_breakpoint("breakpoint set %s -n worker_round" % options)
    stop = go()
    check("breakpoint set %s -n worker_round; continue: reason breakpoint, at its address" % options,
          stop.is_by(number) and stop.function == "worker_round" and stop.pc == address("worker_round"), stop)
    seen, end = {stop.thread}, time.monotonic() + 25
    while len(seen) < VCPUS and time.monotonic() < end:
        stop = go()
        if stop.is_by(number):
            seen.add(stop.thread)
    check("breakpoint set %s: hit on each of %d vCPUs" % (options, VCPUS), len(seen) == VCPUS, seen)
    check("memory read at it: the guest's own bytes",
          memory(address("worker_round"), 16) == in_file(address("worker_round"), 16))
    said = do("disassemble --start-address $pc --count 2")
    check("disassemble at it: the guest's own code", "int3" not in said and "brk" not in said, said)
    delete()


def conditions():
    last = VCPUS - 1
    number = set_breakpoint("breakpoint set -n list_insert -c 'worker->cpu == %d'" % last)
    stops = [go() for _ in range(3)]
    check("breakpoint set -c: three times on that vCPU only",
          all(stop.is_by(number) and last + 1 in stop.at_breakpoint for stop in stops), stops[-1])
    delete()
    number = set_breakpoint("breakpoint set -n worker_round -i 5")
    stop = go()
    count = target().FindBreakpointByID(number).GetHitCount()
    check("breakpoint set -i 5: stops at the sixth hit", stop.is_by(number) and 6 <= count < 6 + VCPUS,
          "%d hits\n%s" % (count, stop))
    delete()
    number = set_breakpoint("breakpoint set -n fibonacci -o true")
    stop = go()
    check("breakpoint set -o: stops once", stop.reason == "breakpoint" and stop.function == "fibonacci", stop)
    check("breakpoint set -o: gone after it", not target().FindBreakpointByID(number).IsValid())


def backtrace():
    number = set_breakpoint("breakpoint set -n fibonacci")
    go()
    said = do("thread backtrace")
    check("thread backtrace: the callers, by their frames",
          all(name in said for name in ("fibonacci", "worker_round", "worker_loop", "demo_shift")), said)
    said = do("frame variable")
    check("frame variable: the argument, from its register", re.search(r"\bn = \d+", said), said)
    delete()


def in_user_code(options):
    number = set_breakpoint("breakpoint set %s -n user_collatz" % options)
    stop = go()
    check("breakpoint set %s -n user_collatz; continue: in user code" % options,
          stop.is_by(number) and stop.function == "user_collatz", stop)
    said = do("thread backtrace")
    check("thread backtrace in user code", "user_main" in said, said)
    delete()


def breakpoints():
    if SOFTWARE:
        by_name("")
    elif needs("software breakpoints", "breakpoint set -n: in software"):
        pass
    if needs("hardware breakpoints", "breakpoint set -H"):
        by_name("-H")
    conditions()
    backtrace()
    if needs("user hardware breakpoints", "breakpoint set -H -n user_collatz"):
        in_user_code("-H")


run(breakpoints)
