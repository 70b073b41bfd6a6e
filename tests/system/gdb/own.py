# SPDX-License-Identifier: Apache-2.0
"""The guest's own breakpoint instructions, with the debugger's on top of them and without."""
from session import *

PAST = 1 if IS_X86 else 0   # where the guest's handler is told the instruction was: behind it, or at it
CAUSE = 3 if IS_X86 else 0xf2000007   # vector; ESR of BRK #7


def own_at(where):
    return address(where + "_breakpoints") + (2 if IS_X86 else 0)


def handler(name):
    """The guest's handler is entered next, and is told what the hardware would have told it."""
    number = set_breakpoint("tbreak trap_record")
    stop = go()
    check_stop("%s; continue: now the guest gets its own" % name, stop, at="trap_record", by=number)
    return stop


def told(name, at):
    if IS_X86:
        got = (value("frame->rip"), value("frame->vector"))
    else:
        got = (value("frame->elr"), value("frame->esr"))
    check("%s: the guest's handler is told where and what" % name, got == (at + PAST, CAUSE),
          "%#x %#x" % got)


def on_top(command, where):
    at = own_at(where)
    name = "%s on the guest's own in %s code" % (command, where)
    number = set_breakpoint("%s *0x%x" % (command, at))
    stop = go()
    check_stop("%s: the debugger comes first" % name, stop, by=number)
    check("%s: stopped at it" % name, stop.pc == at, stop)
    code = do("x/i $pc")
    check("%s: x/i shows the guest's" % name, ("int3" if IS_X86 else "brk\t#0x7") in code, code)
    thread = stop.thread
    stop = handler(name)
    check("%s: on the same vCPU" % name, stop.thread == thread, stop)
    told(name, at)
    do("delete")


def counted():
    """A hundred in a loop: each is hit once by the debugger and once by the guest."""
    at = own_at("kernel")
    number = set_breakpoint("break *0x%x" % at)
    stop = go()
    thread = stop.thread - 1
    do("ignore %d 100000" % number)
    other = set_breakpoint("tbreak *selftest_begin_line if $_streq(name, \"brk-many\") || "
                           "$_streq(name, \"int3-many\")")
    before = hits(number)
    stop = go()
    check("break *ADDRESS with an ignore count on 100 of the guest's own: runs through",
          other in stop.numbers, stop)
    check("the guest has counted 100 of its own", value("cpus[0].record.nr_events") == 100,
          value("cpus[0].record.nr_events"))
    check("the debugger has counted them as well", hits(number) - before >= 100,
          "%d on vCPU %d" % (hits(number) - before, thread))
    do("delete")


def nearby():
    """Breakpoints before and behind: the guest's own is not reported."""
    at = own_at("kernel")
    do("break *0x%x" % (at + instruction_length(at)))
    stop = go()
    check("break behind the guest's own; continue: the guest's own has gone to the guest",
          stop.pc == at + instruction_length(at) and value("cpus[%d].record.nr_events" % (stop.thread - 1)) > 0,
          stop)
    do("delete")


def stepped():
    """A step at the guest's own leads into the guest's handler, or over all of it."""
    at = own_at("kernel")
    number = set_breakpoint("hbreak *0x%x" % at)
    stop = go()
    check_stop("hbreak at the guest's own", stop, by=number)
    do("delete")
    thread = stop.thread
    before = value("cpus[%d].record.nr_events" % (thread - 1))
    do("set scheduler-locking step")
    stop = go("stepi")
    check("stepi at the guest's own: not stuck at it", stop.pc != at and stop.thread == thread, stop)
    do("set scheduler-locking replay")
    do("tbreak *0x%x thread %d" % (at + instruction_length(at), thread))
    stop = go()
    check("continue: the guest has handled it once",
          value("cpus[%d].record.nr_events" % (thread - 1)) == before + 1, stop)


def own():
    if needs("software breakpoints", "break on top of the guest's own INT3 or BRK",
             "stepi at the guest's own INT3 or BRK"):
        nearby()
        on_top("break", "kernel")
        on_top("hbreak", "kernel")
        counted()
        stepped()
    if needs("user software breakpoints", "break on top of the guest's own in user code"):
        on_top("break", "user")
        on_top("hbreak", "user")


run(own)
