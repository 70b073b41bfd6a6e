# SPDX-License-Identifier: Apache-2.0
"""What gdb has of the daemon's own work: measured with it and without it, in one session.

A line "name value" for each number goes to the file that BENCH_FILE names.
"""
import counter
from counter import packets
from session import *

_results = open(os.environ["BENCH_FILE"], "a", buffering=1)
SECONDS = 4


def note(name, number):
    _results.write("%s %.6g\n" % (name, number))


def false_condition(where):
    """Rounds of the guest's work a second while a condition in its innermost loop is never true."""
    do("set breakpoint condition-evaluation " + where)
    number = set_breakpoint("break work.c:%s if total_rounds == 1" % os.environ["BENCH_LOOP"])
    before, begin = value("total_rounds"), time.monotonic()
    go_interrupted(SECONDS)
    rounds, seconds = value("total_rounds") - before, time.monotonic() - begin
    do("delete %d" % number)
    return rounds / seconds


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


def bench():
    do("tbreak worker_round")
    go()
    loops = 64  # of each round
    note("condition-gdb", false_condition("host") * loops)
    note("condition-here", false_condition("target") * loops)
    if needs("steps", "next over a long line"):
        note("line", line_of_instructions())
        for ranges in ("off", "on"):
            count, seconds = next_over_line(ranges)
            note("next-packets-" + ranges, count)
            note("next-seconds-" + ranges, seconds)


counter.start()
run(bench)
counter.stop()
