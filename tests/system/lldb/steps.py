# SPDX-License-Identifier: Apache-2.0
"""thread step-inst, step-inst-over, step-in, step-over, step-out, until."""
from session import *


def at_function(name):
    number = set_breakpoint("breakpoint set -o true -n %s" % name)
    stop = go()
    check("breakpoint set -o true -n %s; continue" % name, stop.function == name, stop)
    return stop


def one_on(at, stop):
    """Whether a step from `at` led to the next instruction, or somewhere else by a jump."""
    return stop.pc == at + instruction_length(at) or (instruction_at(at).DoesBranch() and stop.pc != at)


def instructions():
    stop = at_function("list_insert")
    start, at, good = stop, stop.pc, True
    for _ in range(4):
        stop = go("thread step-inst")
        good = good and stop.thread == start.thread and one_on(at, stop)
        at = stop.pc
    check("thread step-inst, 4 times: one instruction each, on the same vCPU", good, stop)
    count = value("total_rounds")
    stop = go("thread step-inst")
    check("thread step-inst: the others stand still as well", value("total_rounds") == count)


def from_a_breakpoint():
    number = set_breakpoint("breakpoint set -n checksum")
    stop = go()
    at = stop.pc
    check("breakpoint set -n checksum; continue", stop.is_by(number), stop)
    length = instruction_length(at)
    stop = go("thread step-inst")
    check("thread step-inst from a breakpoint: one instruction on", stop.pc == at + length, stop)
    stop = go()
    check("continue: it is hit again", stop.is_by(number), stop)
    delete()


def lines():
    first = at_function("worker_round")
    stop = go("thread step-in")
    depth = 0
    while stop.function == "worker_round" and depth < 6:
        stop = go("thread step-in")
        depth += 1
    check("thread step-in: into the function that is called", stop.function == "fibonacci", stop)
    stop = go("thread step-out")
    check("thread step-out: back in the caller", stop.function == "worker_round" and
          stop.thread == first.thread, stop)
    line = frame().GetLineEntry().GetLine()
    stop = go("thread step-over")
    check("thread step-over: over calls, another line of the same function",
          stop.function == "worker_round" and frame().GetLineEntry().GetLine() != line and
          stop.thread == first.thread, stop)
    stop = go("thread step-over")
    check("thread step-over, again", stop.function == "worker_round", stop)


def returned():
    at_function("list_sum")
    stop = go("thread step-out")
    returned = thread().GetStopReturnValue()
    check("thread step-out: tells the value that was returned",
          stop.function == "worker_round" and returned.IsValid() and
          returned.GetValueAsUnsigned() == register(RESULT), stop)


def over_a_call():
    stop = at_function("worker_round")
    for _ in range(60):
        if instruction_at(stop.pc).GetMnemonic(target()) in ("call", "callq", "bl"):
            break
        stop = go("thread step-inst")
    at = stop.pc
    stop = go("thread step-inst-over")
    check("thread step-inst-over over a call",
          stop.function == "worker_round" and stop.pc == at + instruction_length(at), stop)


def steps():
    instructions()
    from_a_breakpoint()
    lines()
    returned()
    over_a_call()


run(steps)
