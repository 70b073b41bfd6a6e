# SPDX-License-Identifier: Apache-2.0
"""The guest's own breakpoint instructions, with the debugger's on top of them and without.

gdb takes a program's own breakpoint instruction under a breakpoint for one to be skipped, and moves $pc
behind it when it lets go. That is gdb's to decide; so what the daemon does when nobody moves $pc
is shown by speaking the protocol by hand.
"""
from session import *

PAST = 1 if IS_X86 else 0            # what the guest's handler is told: behind the INT3, at the BRK
CAUSE = 3 if IS_X86 else 0xf2000007  # vector; ESR of BRK #7
PC_NUMBER = "10" if IS_X86 else "20"
KIND_OF_CODE = "1" if IS_X86 else "4"


def own_at(where):
    return address(where + "_breakpoints") + (2 if IS_X86 else 0)


def record(thread, field):
    return value("cpus[%d].record.%s" % (thread - 1, field))


def on_top(command, where):
    """The debugger comes first. Its breakpoint deleted, the guest gets its own."""
    at = own_at(where)
    name = "%s on the guest's own in %s code" % (command, where)
    number = set_breakpoint("%s *0x%x" % (command, at))
    stop = go()
    check("%s: the debugger comes first" % name, number in stop.numbers and stop.pc == at, stop)
    code = do("x/i $pc")
    check("%s: x/i shows the guest's" % name, ("int3" if IS_X86 else "brk\t#0x7") in code, code)
    do("delete")
    got_its_own(name, stop.thread, at)


def got_its_own(name, thread, at):
    """Let the guest go from its own: its handler is told what the hardware would have told it."""
    events = record(thread, "nr_events")
    do("set scheduler-locking step")
    stop = go("stepi")
    do("set scheduler-locking replay")
    check("%s; stepi: not stuck at it" % name, stop.pc != at and stop.thread == thread, stop)
    do("tbreak *0x%x thread %d" % (at + instruction_length(at), thread))
    stop = go()
    event = "events[%d]." % events
    check("%s: then the guest gets its own, once" % name,
          stop.pc == at + instruction_length(at) and record(thread, "nr_events") == events + 1, stop)
    check("%s: its handler is told where and what" % name,
          (record(thread, event + "pc"), record(thread, event + "cause")) == (at + PAST, CAUSE),
          "%#x %#x" % (record(thread, event + "pc"), record(thread, event + "cause")))


def nearby():
    """A breakpoint behind it: the guest's own is not reported."""
    at = own_at("kernel")
    number = set_breakpoint("break *0x%x" % (at + instruction_length(at)))
    stop = go()
    check("break behind the guest's own; continue: that one has gone to the guest",
          number in stop.numbers and record(stop.thread, "nr_events") > 0, stop)
    do("delete")


def by_hand(where, kind):
    """Both on top of each other, and each time the debugger first, then the guest."""
    at = own_at(where)
    name = "Z%s on the guest's own in %s code" % (kind, where)
    events = address("cpus") + int(gdb.parse_and_eval("(char *)&cpus[0].record.nr_events - (char *)&cpus[0]"))
    size = value("sizeof(cpus[0])")
    detach()
    peer = Peer()
    peer.ask("qSupported:swbreak+;hwbreak+")
    peer.ask("?")
    peer.ask("Z%s,%x,%s" % (kind, at, KIND_OF_CODE))
    stops = []
    for _ in range(16):
        fields = peer.let_go()
        thread = int(fields["thread"], 16)
        count = int.from_bytes(bytes.fromhex(peer.ask("m%x,4" % (events + (thread - 1) * size))), "little")
        stops.append((fields["why"], peer.number(fields, PC_NUMBER), thread, count))
    peer.ask("D")
    peer.close()
    check("%s; vCont;c, 16 times: the debugger comes first" % name,
          all(why == "T05" and where == at for why, where, _, _ in stops), stops)
    pairs = [(a, b) for thread in range(1, VCPUS + 1)
             for stops_of in [[stop for stop in stops if stop[2] == thread]]
             for a, b in zip(stops_of, stops_of[1:])]
    wrong = [(a, b) for a, b in pairs if b[3] not in (a[3] + 1, 0)]
    check("%s: between two of them the guest gets its own" % name, not wrong, wrong or stops)
    attach()


def is_due(stop):
    return ", an exception is due" in do("monitor vcpus").splitlines()[stop.thread - 1]


def told_first():
    """monitor guest-breakpoints stop: with nothing set, each of the guest's own stops before it has it."""
    name = "monitor guest-breakpoints stop; continue"
    do("monitor guest-breakpoints stop")
    stops = []
    while len(stops) < 50 and not (len(stops) >= 8 and ("int3" if IS_X86 else "brk\t") in stops[-1][2]):
        stop = go()
        stops.append((stop, is_due(stop), do("x/i $pc")))
    check(name + ", 8 times and more: no breakpoint, and an exception is due each time",
          all(due and not stop.numbers for stop, due, _ in stops), "\n".join(map(str, stops)))
    stop, _, code = stops[-1]
    check(name + ": at a breakpoint instruction of the guest's own", len(stops) < 50, code)
    do("monitor guest-breakpoints pass")
    got_its_own(name, stop.thread, stop.pc)
    said = do("monitor exceptions")
    check("monitor exceptions: what the guest was given",
          re.search(r"^%s +[1-9]\d*, the last on vCPU \d+ at 0x" % (r"#BP \(INT3\)" if IS_X86 else "BRK"), said, re.M),
          said)
    do("delete")


def own():
    if needs("software breakpoints", "break on top of the guest's own INT3 or BRK",
             "Z0 and Z1 on top of the guest's own INT3 or BRK", "monitor guest-breakpoints stop"):
        told_first()
        nearby()
        on_top("break", "kernel")
        on_top("hbreak", "kernel")
        by_hand("kernel", "0")
        by_hand("kernel", "1")
    if needs("user software breakpoints", "break on top of the guest's own in user code"):
        on_top("break", "user")
        on_top("hbreak", "user")
        by_hand("user", "0")


run(own)
