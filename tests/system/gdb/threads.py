# SPDX-License-Identifier: Apache-2.0
"""info threads, thread apply: a vCPU is a thread."""
from session import *


def listing():
    said = do("info threads")
    check("info threads: %d" % VCPUS, len(threads()) == VCPUS, said)
    check("info threads: which vCPU each is, and what it does",
          all(re.search(r"Thread 1\.%d \(vCPU %d, [^)]+\)" % (n + 1, n), said) for n in range(VCPUS)), said)


def backtraces():
    """In the last instructions of a trap's way out the guest's own unwind table has no answer: then
    once more, elsewhere."""
    for _ in range(6):
        said = do("thread apply all backtrace")
        parts = re.split(r"\nThread ", said)[1:]
        whole = all("cpu_main" in part or "user_" in part or "trap_" in part for part in parts)
        if whole:
            break
        stop_now()
    check("thread apply all backtrace: %d of them" % VCPUS, len(parts) == VCPUS, said)
    check("thread apply all backtrace: from the boot code on, or from user code", whole, said)


def switching():
    good = True
    for thread in threads():
        do("thread %d" % thread.num)
        good = good and gdb.selected_thread().num == thread.num
    check("thread N: each", good)
    error = refused("thread %d" % (VCPUS + 1))
    check("thread N: one too many is an error", error is not None, error)


def same_function_on_all():
    """Stop one after the other in the same place, with the ones before held there."""
    number = set_breakpoint("break *worker_loop")
    seen = on_each_vcpu(number, lambda: value("worker->cpu"))
    check("break *worker_loop: each thread with its own worker",
          len(seen) == VCPUS and all(cpu == num - 1 for num, cpu in seen.items()), seen)
    do("delete")


def held():
    """With the scheduler locked the others do not move, also over a breakpoint and a long run."""
    do("tbreak *worker_round")
    stop = go()
    do("set scheduler-locking on")
    others = [thread for thread in threads() if thread.num != stop.thread]

    def rounds():
        return [value("workers[%d].nr_rounds" % (thread.num - 1)) for thread in others]

    before, own = rounds(), value("worker->nr_rounds")
    number = set_breakpoint("break *worker_round")
    for _ in range(3):
        stop = go()
    check("set scheduler-locking on; continue, 3 times: this one works",
          number in stop.numbers and value("worker->nr_rounds") == own + 3, stop)
    check("set scheduler-locking on: the others do not", rounds() == before, rounds())
    do("delete")
    do("set scheduler-locking replay")


def threads_theme():
    listing()
    do("tbreak *worker_round")
    go()
    listing()
    backtraces()
    switching()
    same_function_on_all()
    held()


threads_theme.__name__ = "threads"
run(threads_theme)
