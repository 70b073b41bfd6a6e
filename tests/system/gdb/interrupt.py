# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: at any time, any number of times."""
import time

from session import *


def simple():
    begin = time.monotonic()
    stop = stop_now(0.3)
    took = time.monotonic() - begin
    check("continue; Ctrl-C: stops with SIGINT", stop.signal == "SIGINT", stop)
    check("continue; Ctrl-C: soon", took < 5, "%.1f s" % took)


def many():
    wrong = []
    for n in range(20):
        stop = stop_now(0.05 + 0.005 * n)
        if stop.signal != "SIGINT":
            wrong.append(str(stop))
    check("continue; Ctrl-C, 20 times", not wrong, "\n".join(wrong))


def the_guest_works():
    rounds = value("total_rounds")
    stop_now(0.5)
    check("continue; Ctrl-C: the guest has worked in between", value("total_rounds") > rounds,
          "%d, %d" % (rounds, value("total_rounds")))


def with_breakpoints():
    """Whichever comes first; the other must not be lost or doubled."""
    number = set_breakpoint("break heartbeat")
    wrong = []
    for n in range(6):
        stop = stop_now(0.25)
        if stop.signal != "SIGINT" and number not in stop.numbers:
            wrong.append(str(stop))
    check("continue with a breakpoint and a Ctrl-C: one of them each time", not wrong, "\n".join(wrong))
    do("delete")


def in_a_condition():
    """gdb stops and lets go all the time; the Ctrl-C comes at any point of that."""
    number = set_breakpoint("break worker_round if worker->nr_rounds == -1")
    wrong = []
    for n in range(4):
        stop = stop_now(0.3 + 0.05 * n)
        if stop.signal != "SIGINT":
            wrong.append(str(stop))
    check("continue with a condition that is never true; Ctrl-C, 4 times", not wrong, "\n".join(wrong))
    check("the condition has been looked at", hits(number) is not None)
    do("delete")


def while_stepping():
    """A Ctrl-C amid a long run of single steps ends it."""
    do("tbreak *worker_round")
    go()
    stop = go_interrupted(0.15, "stepi 1000000")  # not as far as HLT
    check("stepi 1000000; Ctrl-C: stops", stop.signal == "SIGINT" or not stop.numbers, stop)
    stop = go("stepi")
    check("stepi after it", not stop.numbers, stop)


def interrupt():
    simple()
    many()
    the_guest_works()
    with_breakpoints()
    in_a_condition()
    while_stepping()


run(interrupt)
