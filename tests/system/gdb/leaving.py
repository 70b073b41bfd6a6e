# SPDX-License-Identifier: Apache-2.0
"""detach, disconnect, kill, and coming again; packets that nobody knows; a second debugger."""
import time

from session import *


def goes_on():
    """Reconnects and looks whether the guest has worked meanwhile."""
    before = goes_on.rounds
    time.sleep(0.4)
    attach()
    goes_on.rounds = value("total_rounds")
    return goes_on.rounds > before


def remember():
    goes_on.rounds = value("total_rounds")


def detaching():
    remember()
    do("detach")
    check("detach; target remote: the guest has gone on", goes_on())
    set_breakpoint("break worker_round")
    go()
    remember()
    do("detach")
    check("detach at a breakpoint; target remote: the guest has gone on", goes_on())
    do("delete")
    for _ in range(5):
        do("detach")
        attach()
    check("detach; target remote, 5 times", len(threads()) == VCPUS)


def disconnecting():
    do("tbreak worker_round")
    go()
    remember()
    do("disconnect")
    check("disconnect; target remote: the guest has gone on", goes_on())


def killing():
    remember()
    do("kill")
    check("kill lets go of the guest, which has gone on", goes_on())


def choose():
    """On a common address extended mode begins with a choice; a VM's own socket is that VM's."""
    if not gdb.selected_inferior().pid:
        do("attach 1")


def extended():
    remember()
    do("detach")
    attach("extended-remote")
    choose()
    check("target extended-remote", len(threads()) == VCPUS)
    do("tbreak worker_round")
    stop = go()
    check("target extended-remote: tbreak worker_round; continue", stop.function == "worker_round", stop)
    do("kill")
    do("disconnect")
    check("target extended-remote; kill: the guest has gone on", goes_on())
    remember()
    do("detach")
    attach("extended-remote")
    choose()
    error = refused("run")
    check("run: refused, in words", error is not None, error)
    if not gdb.selected_inferior().pid:
        refused("disconnect")
        check("run: the guest has gone on", goes_on())
        attach()


def packets():
    error = refused("monitor nobody-knows")
    check("monitor nobody-knows: refused", error is not None, error)
    for packet in ("qNobodyKnows", "vNobodyKnows;1", "QNobodyKnows:1", "Y1,2,3"):
        said = do("maintenance packet " + packet)
        check("maintenance packet %s: the empty answer" % packet, 'received: ""' in said, said)
    said = do("maintenance packet m,,,,")
    check("maintenance packet m,,,,: an error", 'received: "E' in said, said)
    check("the session goes on", len(threads()) == VCPUS and value("total_rounds") > 0)


def second_debugger():
    """It observes; hub has more of that."""
    peer = Peer()
    said = peer.ask("?")
    check("a second debugger is let in", said.startswith("T05"), said)
    said = peer.ask("M%x,1:00" % address("total_rounds"))
    check("... and may not write", said.startswith("E"), said)
    do("tbreak worker_round")
    stop = go()
    check("the first one is not disturbed", stop.function == "worker_round", stop)
    peer.close()
    do("tbreak worker_round")
    stop = go()
    check("... nor when the second one vanishes", stop.function == "worker_round", stop)


def leaving():
    detaching()
    disconnecting()
    killing()
    extended()
    packets()
    second_debugger()


run(leaving)
