# SPDX-License-Identifier: Apache-2.0
"""On a common address, with two VMs, "vm" and "other" of one vCPU: see them, choose one, come back, choose again.

"lobby: ..." on standard output is for the script that starts this one: what is to be done to "other".
"""
import re
import time

from session import *


def listing():
    """{name: (number, vCPUs, state)}"""
    said = do("info os processes")
    rows = re.findall(r"^(\d+) +(\S+) +(\d+) +(.+?) *$", said, re.M)
    return {name: (int(number), int(vcpus), state) for number, name, vcpus, state in rows}


def number(name):
    return listing()[name][0]


def attached():
    return gdb.selected_inferior().pid


def await_listing(wanted, seconds=30):
    """Until "other" is there, or not."""
    end = time.monotonic() + seconds
    while ("other" in listing()) != wanted and time.monotonic() < end:
        time.sleep(0.3)
    return ("other" in listing()) == wanted


def attach_to(name):
    do("attach %d" % number(name))


def looking():
    check("target extended-remote: attached to nothing", not attached(), attached())
    vms = listing()
    check("info os processes: both VMs", sorted(vms) == ["other", "vm"], vms)
    check("info os processes: their vCPUs", vms["vm"][1] == VCPUS and vms["other"][1] == 1, vms)
    check("info os processes: free", vms["vm"][2] == vms["other"][2] == "free", vms)
    check("info os: says what there is", "processes" in do("info os"))
    error = refused("attach 4000")
    check("attach 4000: refused, in words", error and "4000" in error, error)
    check("attach 4000: still attached to nothing", not attached())


def choosing():
    attach_to("vm")
    check("attach: to that VM", attached() == number("vm") and len(threads()) == VCPUS, attached())
    check("attach: threads carry its number",
          all(thread.ptid[0] == attached() for thread in threads()))
    check("attach: it is under debug", listing()["vm"][2] == "under debug", listing())
    said = do("maintenance packet vAttach;%x" % number("other"))
    check("another attach meanwhile: refused, in words", '"E.' in said, said)
    do("tbreak worker_round")
    stop = go()
    check("tbreak worker_round; continue", stop.function == "worker_round", stop)
    choosing.rounds = value("total_rounds")
    do("detach")
    check("detach: back, attached to nothing", not attached() and len(listing()) == 2, attached())


def choosing_again():
    attach_to("other")
    check("attach: to the other", attached() == number("other") and len(threads()) == 1, attached())
    set_breakpoint("break worker_round")
    stop = go()
    check("break worker_round; continue", stop.function == "worker_round", stop)
    before = pc()
    go("stepi")
    check("stepi", pc() != before)
    do("delete")
    do("detach")
    attach_to("vm")
    check("attach: the first one has gone on meanwhile", value("total_rounds") > choosing.rounds)
    do("detach")
    for _ in range(5):
        attach_to("other")
        do("detach")
        attach_to("vm")
        do("kill")
    check("attach, detach, attach, kill, 5 times", not attached() and len(listing()) == 2)


def losing_while_it_runs():
    attach_to("other")
    print("lobby: kill other", flush=True)
    said = do("continue")
    check("the VMM is killed while its guest runs: gdb says so",
          "terminated" in said or "exited" in said or not attached(), said)
    check("... back, attached to nothing", not attached() and list(listing()) == ["vm"], listing())
    attach_to("vm")
    check("... and can attach to the other one", len(threads()) == VCPUS)
    do("detach")


def losing_while_it_is_stopped():
    print("lobby: start other", flush=True)
    check("a VM that comes back is in the list", await_listing(True), listing())
    attach_to("other")
    print("lobby: kill other", flush=True)
    check("the VMM is killed while its guest is stopped: the list shows it", await_listing(False))
    check("... its memory is gone", refused("x/8bx &total_rounds") is not None)
    refused("continue")
    check("... told at the next resume", not attached(), attached())
    attach_to("vm")
    check("... and gdb can attach to the other one", len(threads()) == VCPUS)


def lobby():
    looking()
    choosing()
    choosing_again()
    losing_while_it_runs()
    losing_while_it_is_stopped()


run(lobby, lambda: attach("extended-remote"))
