# SPDX-License-Identifier: Apache-2.0
"""Two gdbs at one guest: the one that came second, and looks on. driver.py is the other one."""
from session import *


def come_later():
    hear("driver has stopped")
    attach()


def is_at(function):
    return address(function) <= value(PC) < address(function) + 16


def find_thread_at(function):
    """The one that the driver was told of; who comes later begins at the first one."""
    for thread in threads():
        thread.switch()
        if is_at(function):
            return True
    return False


def looking():
    check("target remote: a thread is where the driver has stopped", find_thread_at("worker_round"))
    said = do("monitor policy")
    check("monitor policy: it observes",
          "2; this one is debugger 2, and observes debugger 1" in said, said)
    check("info threads", len(threads()) == VCPUS)
    check("registers", gdb.selected_frame().name() == "worker_round" and value("$sp"), hex(value("$sp")))
    check("memory", value("total_rounds") > 0)
    code = memory(address("worker_round"), 4)
    check("the driver's breakpoints do not show", code == in_file(address("worker_round"), 4), code)


def refusing():
    rounds = value("total_rounds")
    for command in ("set var total_rounds = 0", "set var %s = 0" % FREE):
        error = refused(command)
        check("%s: refused" % command, error is not None, error)
    check("nothing has been written", value("total_rounds") == rounds)
    number = set_breakpoint("hbreak timer_tick")
    error = refused("stepi")
    check("a breakpoint: refused when it is to be inserted", error is not None, error)
    do("delete %d" % number)
    said = do("maintenance packet Z1,%x,%d" % (address("timer_tick"), 1 if IS_X86 else 4))
    check("the refusal is an error", 'received: "E' in said, said)
    tell("observer has looked")


def waiting():
    tell("observer waits")
    stop = go()
    check("continue: waits for the driver's stop", stop.function == "worker_round", stop)
    tell("observer has been told")
    hear("driver stays stopped")
    stop = stop_now(1)
    check("Ctrl-C: ends the waiting", stop.signal == "SIGINT", stop)
    check("... with the guest where it is", is_at("worker_round"))
    tell("observer has interrupted itself")


def driving():
    hear("the wheel is free")
    said = do("monitor drive")
    check("monitor drive", "and drives" in said, said)
    tell("observer drives")
    hear("driver observes")
    number = set_breakpoint("hbreak timer_tick")
    stop = go_until_heard("who was relieved has been told")
    check_stop("hbreak timer_tick; continue", stop, at="timer_tick", by=number)
    do("delete")
    tell("observer is done")
    hear("driver drives again")


def inheriting():
    tell("observer waits for who dies")
    stop = go()
    check("continue: the driver's next stop", stop.function in ("worker_round", "fibonacci"), stop)
    hear("driver is dead", 60)
    stop = go_interrupted(1)
    check("the driver is killed: Ctrl-C stops the guest", stop.signal == "SIGINT", stop)
    before = value("total_rounds")
    number = set_breakpoint("break worker_round")
    stop = go()
    check_stop("the driver is killed: break worker_round; continue", stop, at="worker_round", by=number)
    check("... the guest had gone on", value("total_rounds") >= before)
    do("set var total_rounds = %d" % before)
    check("... writing works", value("total_rounds") == before)


def observer():
    looking()
    refusing()
    waiting()
    driving()
    inheriting()


run(observer, come_later)
