# SPDX-License-Identifier: Apache-2.0
"""process interrupt: any number of times, with breakpoints or without."""
from session import *


def simple():
    begin = time.monotonic()
    stop = go_interrupted(0.4)
    took = time.monotonic() - begin
    check("continue; process interrupt: stops, soon, with a signal", stop.reason == "signal" and stop.data == [2] and
          took < 8, "%.1f s\n%s" % (took, stop))


def many():
    wrong = []
    for n in range(8):
        stop = go_interrupted(0.3 + 0.01 * n)
        if stop.reason != "signal":
            wrong.append(str(stop))
    check("continue; process interrupt, 8 times", not wrong, "\n".join(wrong))
    rounds = value("total_rounds")
    go_interrupted(0.6)
    check("continue; process interrupt: the guest has worked in between", value("total_rounds") > rounds,
          "%d, %d" % (rounds, value("total_rounds")))


def no_echo():
    """An interrupt is answered once: what comes after it is a step, and no second interrupt."""
    number = set_breakpoint("breakpoint set -n heartbeat")
    wrong = []
    for n in range(4):
        stop = go_interrupted(0.9 + 0.05 * n)
        if stop.reason != "signal" and not stop.is_by(number):
            wrong.append(str(stop))
        stop = go("thread step-inst")
        if stop.reason != "plan":
            wrong.append(str(stop))
    check("continue with a breakpoint and an interrupt: one of them, then thread step-inst", not wrong,
          "\n".join(wrong))
    delete()


def interrupt():
    simple()
    many()
    no_echo()


run(interrupt)
