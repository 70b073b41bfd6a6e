# SPDX-License-Identifier: Apache-2.0
"""Two gdbs at one guest: the one that was there first, and drives. observer.py is the other one."""
from session import *


def driving():
    number = set_breakpoint("break worker_round")
    stop = go()
    check_stop("break worker_round; continue", stop, at="worker_round", by=number)
    said = do("monitor policy")
    check("monitor policy: it drives", "this one is debugger 1, and drives" in said, said)
    tell("driver has stopped")
    hear("observer has looked")
    driving.at = pc()
    check("who is looked at over the shoulder notices nothing", gdb.selected_frame().name() == "worker_round")
    return number


def going_on(number):
    hear("observer waits")
    stop = go_until_heard("observer has been told")
    tell("driver stays stopped")
    check_stop("continue, while the observer waits", stop, at="worker_round", by=number)
    hear("observer has interrupted itself")
    check("the observer's interrupt is not for the guest", pc() == stop.pc and
          gdb.selected_frame().name() == "worker_round")


def being_relieved(number):
    tell("the wheel is free")
    hear("observer drives")
    error = refused("set var total_rounds = 0")
    check("after 'monitor drive' by the other: writing is refused", error is not None, error)
    do("delete %d" % number)
    tell("driver observes")
    stop = go()
    check("continue: waits for a stop of who drives", stop.function == "timer_tick", stop)
    tell("who was relieved has been told")
    hear("observer is done")
    before = value("total_rounds")
    do("monitor drive")
    do("set var total_rounds = %d" % before)
    check("monitor drive: writing works again", True)
    do("delete")
    tell("driver drives again")


def dying():
    set_breakpoint("break worker_round")
    go()
    do("delete")
    set_breakpoint("break fibonacci")
    hear("observer waits for who dies")
    print("driver: kill me", flush=True)
    while True:
        go()


def driver():
    number = driving()
    going_on(number)
    being_relieved(number)
    dying()


run(driver)
