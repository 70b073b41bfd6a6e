# SPDX-License-Identifier: Apache-2.0
"""What gdb has of the daemon's own work: measured with it and without it, in one session.

A line "name value" for each number goes to the file that BENCH_FILE names.
"""
import counter
from counter import packets
from session import *

_results = open(os.environ["BENCH_FILE"], "a", buffering=1)
SECONDS = 4
DELAY = 0.005  # of a network, one way


def note(name, number):
    _results.write("%s %.6g\n" % (name, number))


def hits_told():
    """Each is two runs of the vCPU, whoever judges it: to the breakpoint, and past it."""
    return int(re.search(r"vCPU runs +(\d+)", do("monitor stats")).group(1)) // 2


def false_condition(where):
    """Hits a second of a breakpoint in the guest's innermost loop, whose condition is never true."""
    do("set breakpoint condition-evaluation " + where)
    number = set_breakpoint("break work.c:%s if total_rounds == 1" % os.environ["BENCH_LOOP"])
    before, begin = hits_told(), time.monotonic()
    go_interrupted(SECONDS)
    seconds = time.monotonic() - begin
    count = hits_told() - before
    do("delete %d" % number)
    return count / seconds


def to_line():
    do("tbreak work.c:" + os.environ["BENCH_LINE"])
    go()
    do("delete")
    return gdb.selected_frame().find_sal().line


def line_of_instructions():
    """How many instructions it takes to get over the line, to fifty."""
    line, steps = to_line(), 0
    while gdb.selected_frame().find_sal().line == line and steps < 3000:
        do("stepi 50")
        steps += 50
    return steps


def next_over_line(ranges):
    do("set range-stepping " + ranges)
    to_line()
    before, begin = packets(), time.monotonic()
    do("next", 120)
    return packets() - before, time.monotonic() - begin


def conditions(far=""):
    do("tbreak checksum")
    go()
    for name, where in (("gdb", "host"), ("here", "target")):
        note("condition-" + name + far, false_condition(where))


def conditions_far():
    conditions("-far")


def lines():
    note("line", line_of_instructions())
    for ranges in ("off", "on"):
        count, seconds = next_over_line(ranges)
        note("next-packets-" + ranges, count)
        note("next-seconds-" + ranges, seconds)


run(conditions)
counter.start(DELAY)
run(conditions_far)
counter.stop()
if needs("steps", "next over a long line"):
    counter.start()
    run(lines)
    counter.stop()
