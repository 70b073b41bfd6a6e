# SPDX-License-Identifier: Apache-2.0
"""thread list, thread select, thread backtrace all: a vCPU is a thread."""
from session import *


def listed():
    said = do("thread list")
    names = ["vCPU %d" % n for n in range(VCPUS)]
    check("thread list: %d threads, by their vCPUs' names" % VCPUS,
          len(threads()) == VCPUS and all(name in said for name in names), said)
    number = set_breakpoint("breakpoint set -n worker_round")
    stop = go()
    reasons = [REASONS.get(one.GetStopReason(), "another") for one in threads()]
    elsewhere = [reason for one, reason in zip(threads(), reasons)
                 if one.GetFrameAtIndex(0).GetPC() != stop.pc]  # who is there is taken to have hit it, too
    check("after a breakpoint a thread that was stopped by it has that reason, the others have none",
          reasons[stop.thread - 1] == "breakpoint" and set(elsewhere) <= {"none"}, reasons)
    check("its thread is the one that is selected", thread().GetThreadID() == stop.thread, stop)
    delete()


def each():
    stacks = {register("rsp" if IS_X86 else "sp", one) for one in threads()}
    check("register read of each thread: %d different stacks" % VCPUS, len(stacks) == VCPUS, stacks)
    said = do("thread backtrace all")
    check("thread backtrace all", said.count("frame #0") == VCPUS, said)
    for n in range(VCPUS, 0, -1):
        do("thread select %d" % n)
        check("thread select %d" % n, thread().GetThreadID() == n)


def info():
    said = do("thread info")
    check("thread info", "tid" in said, said)
    said = do("process status --verbose") if "--verbose" in do("help process status") else do("process status")
    check("process status: stopped, the guest's number", "Process 1 stopped" in said, said)
    said = do("process plugin packet monitor vcpus")
    check("process plugin packet monitor vcpus: a line for each",
          all(re.search(r"vCPU %d +thread %d +stopped" % (n, n + 1), said) for n in range(VCPUS)), said)
    said = do("target list")
    check("target list: the guest's architecture", ("x86_64" if IS_X86 else "aarch64") in said, said)


def of_one_thread():
    number = set_breakpoint("breakpoint set -n worker_round -t %d" % VCPUS)
    stops = [go() for _ in range(3)]
    check("breakpoint set -t %d: stops that vCPU only" % VCPUS,
          all(stop.is_by(number) and VCPUS in stop.at_breakpoint for stop in stops), stops[-1])
    delete()


def threads_theme():
    listed()
    each()
    info()
    of_one_thread()


threads_theme.__name__ = "threads"
run(threads_theme)
