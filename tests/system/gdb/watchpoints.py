# SPDX-License-Identifier: Apache-2.0
"""watch, rwatch, awatch: of what the guest's kernel and its user program change."""
from session import *


def watch_kernel():
    number = set_breakpoint("watch total_rounds")
    good = True
    for _ in range(10):
        before = value("total_rounds")
        stop = go()
        good = good and number in stop.numbers and value("total_rounds") == before + 1
    check("watch total_rounds: each stop is one more", good, stop)
    check("watch total_rounds: in worker_round", stop.function == "worker_round", stop)
    seen = on_each_vcpu(number)
    check("watch total_rounds: on each of %d vCPUs" % VCPUS, len(seen) == VCPUS, seen)
    do("delete")


def watch_condition():
    number = set_breakpoint("watch total_rounds if total_rounds % 8 == 0")
    stop = go()
    check("watch total_rounds if total_rounds % 8 == 0",
          number in stop.numbers and value("total_rounds") % 8 == 0, stop)
    do("delete")


def watch_location():
    do("tbreak worker_round")
    go()
    at = value("(unsigned long)&worker->sum")
    number = set_breakpoint("watch -l worker->nr_rounds")
    stop = go()
    check_stop("watch -l worker->nr_rounds", stop, at="worker_round", by=number)
    do("delete")
    number = set_breakpoint("watch *(unsigned char *)0x%x" % (value("(unsigned long)&total_rounds")))
    check_stop("watch of one byte", go(), at="worker_round", by=number)
    do("delete")
    return at


def watch_nothing():
    """What is next to something that changes, or does not change when it is written."""
    number = set_breakpoint("watch *(unsigned *)((char *)&total_rounds + 8)")
    stop = stop_now(0.5)
    check("watch next to what changes: not triggered", stop.signal == "SIGINT" and not hits(number), stop)
    do("delete")
    number = set_breakpoint("watch *(unsigned *)((char *)&total_rounds + 4)")
    stop = stop_now(0.5)
    check("watch of what is written but stays the same: not told, and Ctrl-C gets through",
          stop.signal == "SIGINT" and not hits(number), stop)
    do("delete")


def read_watch():
    number = set_breakpoint("rwatch demo_talks")
    stop = go()
    check_stop("rwatch demo_talks", stop, at="heartbeat", by=number)
    do("delete")


def access_watch():
    number = set_breakpoint("awatch last_fibonacci")
    stops = [go() for _ in range(4)]
    check("awatch last_fibonacci: written and read in worker_round",
          all(number in stop.numbers and stop.function == "worker_round" for stop in stops), stops[-1])
    do("delete")


def watch_atomic():
    """x86-64: a LOCK prefix; arm64: an exclusive pair, whose store fails when anything gets between."""
    number = set_breakpoint("watch total_additions")
    before = value("total_additions")
    stop = go_interrupted(5)
    check("watch total_additions, written by an atomic addition",
          number in stop.numbers and value("total_additions") > before, stop)
    do("delete")


def watch_user():
    do("tbreak user_main")
    if needs("user software breakpoints", "watch user_counter"):
        go()
        number = set_breakpoint("watch user_counter")
        stop = go()
        check_stop("watch user_counter, in user code", stop, at="user_main", by=number)
    do("delete")


def several():
    numbers = [set_breakpoint(command) for command in (
        "watch total_rounds", "watch workers[0].nr_rounds", "awatch last_fibonacci")]
    seen = set()
    for _ in range(40):
        seen.update(go().numbers)
    check("three watchpoints at once: each triggers", seen == set(numbers), seen)
    do("delete")


def watchpoints():
    if needs("watchpoints", "watch total_rounds", "watch on each vCPU", "watch EXPRESSION if CONDITION",
             "watch -l", "watch of one byte", "watch next to what changes: not triggered",
             "watch of what is written but stays the same"):
        watch_kernel()
        watch_condition()
        watch_location()
        watch_nothing()
    if needs("access watchpoints", "rwatch demo_talks", "awatch last_fibonacci",
             "three watchpoints at once"):
        read_watch()
        access_watch()
        several()
    if needs("user watchpoints", "watch user_counter, in user code"):
        watch_user()
    if needs("watchpoints", "watch of what is written atomically"):
        watch_atomic()


run(watchpoints)
