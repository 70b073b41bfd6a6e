# SPDX-License-Identifier: Apache-2.0
"""For scripts inside gdb: a session with a guest, and what is expected of it.

What every debugger's scripts have is in ../stage.py.
"""
import os
import re
import socket
import struct
import subprocess
import sys
import time
import traceback

import gdb

from stage import *

GDB_VERSION = int(re.match(r"\D*(\d+)", gdb.VERSION).group(1))
PATIENCE = 40  # seconds that one gdb command may take

# The same thing under the names that the two architectures have for it.
PC = "$rip" if IS_X86 else "$pc"
FREE = "$r12" if IS_X86 else "$x20"


# ---- commands ------------------------------------------------------------------------------


class TooSlow(Exception):
    pass


def do(command, patience=PATIENCE):
    """A gdb command; returns what it says. When it takes too long, gdb gets a Ctrl-C."""
    begin = time.monotonic()
    watch(patience)
    print("(gdb) " + command, flush=True)
    try:
        said = gdb.execute(command, to_string=True)
    finally:
        watch(None)
    print(said, flush=True)
    if time.monotonic() - begin > patience:
        raise TooSlow("'%s' took more than %d s; then: %s" % (command, patience, said))
    return said


def refused(command):
    """The error that a command ends with; None when it works."""
    try:
        do(command)
    except gdb.error as error:
        print(error)
        return str(error)
    return None


class Stop:
    """Where and why the guest stopped, after a command that let it go."""

    def __init__(self, said, event):
        self.said = said
        self.numbers, self.signal = event
        thread = gdb.selected_thread()
        self.thread = thread.num if thread else None
        self.pc = pc() if thread else None
        self.function = gdb.selected_frame().name() if thread else None

    def __str__(self):
        return "thread %s at %s (%s), breakpoints %s, signal %s\n%s" % (
            self.thread, hex(self.pc or 0), self.function, self.numbers, self.signal, self.said)


_events = []


def _note_stop(event):
    """At once: a temporary breakpoint will be gone."""
    numbers = [b.number for b in event.breakpoints] if isinstance(event, gdb.BreakpointEvent) else []
    _events.append((numbers, event.stop_signal if isinstance(event, gdb.SignalEvent) else None))


gdb.events.stop.connect(_note_stop)


def go(command="continue", patience=PATIENCE):
    """A command that lets the guest go, and where it stopped again."""
    del _events[:]
    said = do(command, patience)
    return Stop(said, _events[-1] if _events else ([], None))


def check_stop(name, stop, at=None, by=None, thread=None):
    """Whether the guest stopped in the function `at`, by breakpoint number `by` (None: by none)."""
    return check(name, (at is None or stop.function == at) and
                 (by in stop.numbers if by else not stop.numbers) and stop.signal in (None, "SIGTRAP") and
                 (thread is None or stop.thread == thread), stop)


def on_each_vcpu(number, note=lambda: True, seconds=25):
    """Continues until breakpoint `number` was hit on each vCPU, or the time is up: on a busy machine one
    vCPU may be there first again and again. What note() gave at the first hit on each thread."""
    end = time.monotonic() + seconds
    seen = {}
    while len(seen) < VCPUS and time.monotonic() < end:
        stop = go()
        if number in stop.numbers and stop.thread not in seen:
            seen[stop.thread] = note()
    return seen


def _go_interrupted(seconds, command):
    other = subprocess.Popen(["sh", "-c", "read _; sleep %s; kill -INT %d" % (seconds, os.getpid())],
                             stdin=subprocess.PIPE)

    def begin(_):
        other.stdin.close()

    gdb.events.cont.connect(begin)
    try:
        return go(command)
    finally:
        gdb.events.cont.disconnect(begin)
        other.stdin.close()
        other.kill()
        other.wait()


def go_interrupted(seconds, command="continue"):
    """The same, with a Ctrl-C from another process that time after gdb has let the guest go, if it has not
    stopped before. On a busy machine gdb may not wait for the guest then: Python has it, and all is done again."""
    while True:
        try:
            return _go_interrupted(seconds, command)
        except KeyboardInterrupt:
            print("(gdb did not wait when the Ctrl-C came)", flush=True)


def stop_now(seconds=0.2):
    """Let the guest run for a while and stop it by Ctrl-C."""
    return go_interrupted(seconds)


# ---- values --------------------------------------------------------------------------------


def value(expression):
    return int(gdb.parse_and_eval(expression)) & MASK


def pc():
    return value("$pc")


def address(symbol):
    return int(gdb.parse_and_eval("(unsigned long)&%s" % symbol)) & MASK


def memory(at, size):
    return bytes(gdb.selected_inferior().read_memory(at, size))


def instruction_length(at):
    return gdb.selected_inferior().architecture().disassemble(at)[0]["length"]


def threads():
    return sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)


def set_breakpoint(command):
    """break, tbreak, hbreak, watch...: returns the number of what it made."""
    return int(re.search(r"(?:[Bb]reak|[Ww]atch)point (\d+)", do(command)).group(1))


def hits(number):
    for breakpoint in gdb.breakpoints():
        if breakpoint.number == number:
            return breakpoint.hit_count
    return None


# ---- two gdbs at once ----------------------------------------------------------------------


def tell(word):
    """Something is so now, for the other gdb; both know the directory SYNC."""
    open(os.path.join(os.environ["SYNC"], word), "w").close()
    print("told: " + word, flush=True)


def heard(word):
    return os.path.exists(os.path.join(os.environ["SYNC"], word))


def hear(word, seconds=PATIENCE):
    """Waits until the other gdb has told that."""
    end = time.monotonic() + seconds
    while not heard(word):
        if time.monotonic() > end:
            raise TooSlow("the other gdb did not tell '%s'" % word)
        time.sleep(0.05)


def go_until_heard(word):
    """Continues again and again: the other gdb, which waits for a stop, may come late. The last stop."""
    end = time.monotonic() + PATIENCE
    stop = go()
    while not heard(word) and time.monotonic() < end:
        time.sleep(0.5)
        stop = go()
    hear(word, 1)
    return stop


# ---- the protocol by hand ------------------------------------------------------------------


class Peer:
    """A connection on which the remote protocol is spoken without gdb."""

    def __init__(self):
        if "/" in TARGET:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(TARGET)
        else:
            host, port = TARGET.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(PATIENCE)
        self.held = b""

    def close(self):
        self.socket.close()

    def receive(self):
        """The next packet's payload; "" at the end."""
        while b"#" not in self.held[:-2]:
            more = self.socket.recv(4096)
            if not more:
                return ""
            self.held += more
        packet, rest = self.held.split(b"#", 1)
        self.held = rest[2:]
        self.socket.sendall(b"+")
        return packet[packet.index(b"$") + 1:].decode("latin-1")

    def send(self, payload):
        data = payload.encode("latin-1")
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))

    def ask(self, payload):
        self.send(payload)
        return self.receive()

    def let_go(self, payload="vCont;c"):
        """Resumes; the stop reply as a dictionary, its signal and reason under "why"."""
        reply = self.ask(payload)
        while reply.startswith("O"):  # words for the user
            reply = self.receive()
        fields = dict(field.split(":", 1) for field in reply[3:].split(";") if ":" in field)
        fields["why"] = reply[:3]
        return fields

    def number(self, fields, register):
        return int.from_bytes(bytes.fromhex(fields[register]), "little")


# ---- the session ---------------------------------------------------------------------------


def attach(how="remote"):
    do("target %s %s" % (how, TARGET))
    use_what_there_is()


def use_what_there_is():
    if not able("software breakpoints"):
        # In memory that is not writable gdb makes all its breakpoints hardware breakpoints.
        do("set mem inaccessible-by-default off")
        do("mem 0x10000000 0x10001000 ro")
        if IS_X86:
            do("mem 0xffffffff80200000 0xffffffff80203000 ro")


def detach():
    do("detach")


def clean():
    """No breakpoints; thread 1."""
    do("delete")
    do("thread 1")


def run(theme, begin=attach):
    """Calls the theme's function between attach() and detach(); its end is a check, too."""
    name = theme.__name__
    try:
        for setting in ("pagination off", "confirm off", "width 0", "remotetimeout 30",
                        "tcp connect-timeout 30", "breakpoint pending off"):
            gdb.execute("set " + setting)
        begin()
        theme()
        if gdb.selected_inferior().pid:
            do("delete")
            detach()
        check("%s: to its end" % name, True)
    except (Exception, KeyboardInterrupt):  # whatever it was: it is reported, and fails
        check("%s: to its end" % name, False, traceback.format_exc())
    sys.stdout.flush()
