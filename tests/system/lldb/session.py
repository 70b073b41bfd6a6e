# SPDX-License-Identifier: Apache-2.0
"""For scripts inside lldb: a session with a guest, and what is expected of it.

What every debugger's scripts have is in ../stage.py. Commands are given as a person types them; only what
they say in words that change from one lldb to the next is asked for through lldb's objects.
"""
import re
import sys
import threading
import time
import traceback

import lldb

from stage import *

PATIENCE = 40  # seconds that one command may take

# What is the same under both architectures' names.
FREE = "r12" if IS_X86 else "x20"
VECTOR = "xmm%d" if IS_X86 else "z%d" if able("SVE") else "v%d"
RESULT = "rax" if IS_X86 else "x0"
FLAGS = "eflags" if IS_X86 else "cpsr"

debugger = lldb.debugger
debugger.SetAsync(False)


# ---- commands ------------------------------------------------------------------------------


class Failed(Exception):
    pass


def context():
    """What a person's command is about; a script's would be about what there was when the script began."""
    if process().GetState() == lldb.eStateStopped:
        return lldb.SBExecutionContext(thread().GetSelectedFrame())
    return lldb.SBExecutionContext(process() if process().IsValid() else target())


def handle(command, patience):
    """Whether the command worked, and what it said. When it takes too long, lldb gets a Ctrl-C."""
    result = lldb.SBCommandReturnObject()
    watch(patience)
    print("(lldb) " + command, flush=True)
    debugger.GetCommandInterpreter().HandleCommand(command, context(), result)
    watch(None)
    said = (result.GetOutput() or "") + (result.GetError() or "")
    print(said, flush=True)
    return result.Succeeded(), said


def do(command, patience=PATIENCE):
    """A command; returns what it says."""
    begin = time.monotonic()
    worked, said = handle(command, patience)
    if not worked:
        raise Failed("'%s': %s" % (command, said))
    if time.monotonic() - begin > patience:
        raise Failed("'%s' took more than %d s; then: %s" % (command, patience, said))
    return said


def refused(command):
    """The error that a command ends with; None when it works."""
    worked, said = handle(command, PATIENCE)
    return None if worked else said


def target():
    return debugger.GetSelectedTarget()


def process():
    return target().GetProcess()


def thread():
    return process().GetSelectedThread()


def frame():
    return thread().GetFrameAtIndex(0)


REASONS = {
    lldb.eStopReasonTrace: "trace",
    lldb.eStopReasonBreakpoint: "breakpoint",
    lldb.eStopReasonWatchpoint: "watchpoint",
    lldb.eStopReasonSignal: "signal",
    lldb.eStopReasonException: "exception",
    lldb.eStopReasonPlanComplete: "plan",
    lldb.eStopReasonNone: "none",
}


class Stop:
    """Where and why the guest stopped, after a command that let it go."""

    def __init__(self, said):
        self.said = said
        self.thread = thread().GetThreadID()
        self.reason = REASONS.get(thread().GetStopReason(), "another")
        self.data = [thread().GetStopReasonDataAtIndex(i)
                     for i in range(thread().GetStopReasonDataCount())]
        self.pc = frame().GetPC()
        self.function = frame().GetFunctionName()
        # Several vCPUs may have come there at once: lldb selects the first, whoever it stops for.
        self.at_breakpoint = {one.GetThreadID() for one in threads()
                              if REASONS.get(one.GetStopReason()) == "breakpoint"}

    def __str__(self):
        return "thread %s at %s (%s), %s %s\n%s" % (
            self.thread, hex(self.pc), self.function, self.reason, self.data, self.said)

    def is_by(self, number):
        """By breakpoint or watchpoint of that number."""
        if self.reason == "breakpoint":
            return number in self.data[0::2]
        return self.reason == "watchpoint" and number in self.data


def go(command="continue", patience=PATIENCE):
    """A command that lets the guest go, and where it stopped again."""
    return Stop(do(command, patience))


def go_interrupted(seconds, command="continue"):
    """The same, with what a Ctrl-C does after that time (lldb would take the key for this script, too)."""
    timer = threading.Timer(seconds, process().SendAsyncInterrupt)
    timer.start()
    try:
        return go(command)
    finally:
        timer.cancel()
        timer.join()


# ---- values --------------------------------------------------------------------------------


def register(name, of=None):
    """Its value as a number, straight from the thread's first frame."""
    value = ((of or thread()).GetFrameAtIndex(0)).FindRegister(name)
    if not value.IsValid():
        raise Failed("no register %s" % name)
    data = value.GetData()
    error = lldb.SBError()
    raw = data.ReadRawData(error, 0, data.GetByteSize())
    return int.from_bytes(raw, "little")


def memory(at, size):
    error = lldb.SBError()
    data = process().ReadMemory(at, size, error)
    if not error.Success():
        raise Failed(str(error))
    return bytes(data)


def address(symbol):
    found = target().FindSymbols(symbol)
    return found[0].GetSymbol().GetStartAddress().GetLoadAddress(target())


def value(name):
    """Of a global variable."""
    return target().FindFirstGlobalVariable(name).GetValueAsUnsigned()


def instruction_at(at):
    return target().ReadInstructions(target().ResolveLoadAddress(at), 1)[0]


def instruction_length(at):
    return instruction_at(at).GetByteSize()


def threads():
    return [process().GetThreadAtIndex(i) for i in range(process().GetNumThreads())]


def select(number):
    """As 'thread select', after which newer lldbs show the thread in their own time, with an interrupt for what
    they must read then; a step in progress would be lost."""
    process().SetSelectedThreadByIndexID(number)


def set_breakpoint(command):
    """breakpoint set ..., watchpoint set ...: returns the number of what it made."""
    said = do(command)
    return int(re.search(r"(?:Break|Watch)point (?:created: Watchpoint )?(\d+)", said).group(1))


def delete():
    handle("breakpoint delete --force", PATIENCE)
    handle("watchpoint delete --force", PATIENCE)


# ---- the session ---------------------------------------------------------------------------


def url():
    return ("unix-connect://" if "/" in TARGET else "connect://") + TARGET


def becomes(state):
    """Whether the process is in that state, or soon will be: lldb learns it by an event."""
    end = time.monotonic() + 5
    while process().GetState() != state and time.monotonic() < end:
        time.sleep(0.02)
    return process().GetState() == state


def attach():
    do("process connect --plugin gdb-remote %s" % url())


def run(theme):
    """Calls the theme's function between attach() and detach; its end is a check, too."""
    name = theme.__name__
    try:
        do("settings set plugin.process.gdb-remote.packet-timeout 30")
        do("settings set stop-line-count-before 0")
        do("settings set stop-line-count-after 0")
        do("settings set stop-disassembly-display never")
        do("settings set target.process.disable-memory-cache true")
        if not able("software breakpoints"):
            do("settings set target.require-hardware-breakpoint true")
        attach()
        theme()
        if becomes(lldb.eStateStopped):
            delete()
            do("process detach")
        check("%s: to its end" % name, True)
    except Exception:  # whatever it was: it is reported, and fails
        check("%s: to its end" % name, False, traceback.format_exc())
    sys.stdout.flush()
