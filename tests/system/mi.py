# SPDX-License-Identifier: Apache-2.0
"""gdb from outside, in its machine interface (GDB manual, "GDB/MI"): asked in lines, and heard while the guest
runs. A script inside gdb cannot do that: gdb handles no stop before the script's end.
"""
import os
import re
import selectors
import signal
import subprocess
import time

PATIENCE = 60  # seconds that an answer may take; a rig on a busy machine is slow

_TOKEN = re.compile(r'[{}\[\],]|"(?:[^"\\]|\\.)*"|[^={}\[\],"]+=?')


class MiError(Exception):
    """gdb's ^error, or none in time."""


def _text(token):
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), token[1:-1])


def _value(tokens):
    """A string, a dictionary, or a list; of what is a list of named results the names are left out."""
    token = tokens.pop(0)
    if token[0] == '"':
        return _text(token)
    close = {"{": "}", "[": "]"}[token]
    names, values = [], []
    while tokens[0] != close:
        if tokens[0] == ",":
            tokens.pop(0)
            continue
        names.append(tokens.pop(0)[:-1] if tokens[0].endswith("=") else None)
        values.append(_value(tokens))
    tokens.pop(0)
    return dict(zip(names, values)) if close == "}" else values


def results(line):
    """What follows a record's class: name=value,..."""
    tokens, found = _TOKEN.findall(line), {}
    while tokens:
        name = tokens.pop(0)
        if name.endswith("=") and tokens:
            found[name[:-1]] = _value(tokens)
    return found


class Mi:
    """One gdb."""

    def __init__(self, command, log=None):
        self.log = log
        self.gdb = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.gdb.stdout, selectors.EVENT_READ)
        self.held = b""
        self.token = 0
        self.answer = None  # (class, results) to the last question
        self.said = ""      # on gdb's console, and by the target, since then
        self.stops = []     # *stopped, oldest first, until they are taken

    # ---- hearing ---------------------------------------------------------------------------

    def _hear_line(self, line):
        if self.log:
            self.log.write(line + "\n")
        match = re.match(r"(\d*)([\^*=~@&])(.*)", line)
        if not match:
            return
        token, kind, rest = match.groups()
        if kind in "~@":
            self.said += _text(rest)
            return
        name, _, rest = rest.partition(",")
        if kind == "^" and token == str(self.token):
            self.answer = name, results(rest)
        elif kind == "*" and name == "stopped":
            self.stops.append(results(rest))

    def hear(self, seconds):
        """What gdb says within that time; returns after the first of it."""
        if not self.selector.select(max(seconds, 0)):
            return
        more = os.read(self.gdb.stdout.fileno(), 1 << 16)
        if not more:
            raise MiError("gdb has ended, with status %s" % self.gdb.wait())
        *lines, self.held = (self.held + more).split(b"\n")
        for line in lines:
            self._hear_line(line.decode("utf-8", "replace"))

    def listen(self, seconds):
        """All that it says in that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.hear(end - time.monotonic())

    def wait(self, predicate, what, patience=PATIENCE):
        end = time.monotonic() + patience
        while not predicate():
            if time.monotonic() > end:
                raise MiError("%s: nothing within %d s" % (what, patience))
            self.hear(end - time.monotonic())
        return predicate()

    def stop(self, thread, patience=PATIENCE):
        """The next stop of that thread; those of others are kept."""
        def mine():
            return [stop for stop in self.stops if stop.get("thread-id") == str(thread)]

        stop = self.wait(mine, "a stop of thread %s" % thread, patience)[0]
        self.stops.remove(stop)
        return stop

    def stopped(self):
        """Threads with stops that nobody has taken yet."""
        return sorted({int(stop["thread-id"]) for stop in self.stops if "thread-id" in stop})

    # ---- asking ----------------------------------------------------------------------------

    def ask(self, command, patience=PATIENCE):
        """An MI command; the results of its ^done, ^running or ^connected."""
        self.token += 1
        self.answer, self.said = None, ""
        if self.log:
            self.log.write("> %s\n" % command)
        self.gdb.stdin.write(b"%d%s\n" % (self.token, command.encode()))
        name, found = self.wait(lambda: self.answer, command, patience)
        if name == "error":
            raise MiError("%s: %s" % (command, found.get("msg")))
        return found

    def console(self, command):
        """A command as a person types it; what gdb says."""
        self.ask('-interpreter-exec console "%s"' % command.replace('"', '\\"'))
        return self.said

    def value(self, expression, thread=None):
        where = "--thread %d " % thread if thread else ""
        said = self.ask('-data-evaluate-expression %s"%s"' % (where, expression))["value"]
        return int(re.match(r"-?(?:0x[0-9a-f]+|\d+)", said)[0], 0)

    def threads(self):
        """{number: "running" or the function that it is stopped in}"""
        found = self.ask("-thread-info")["threads"]
        return {int(thread["id"]): "running" if thread["state"] == "running" else
                thread["frame"].get("func", thread["frame"]["addr"]) for thread in found}

    # ---- its end ---------------------------------------------------------------------------

    def kill(self):
        self.gdb.send_signal(signal.SIGKILL)
        self.gdb.wait()

    def close(self):
        if self.gdb.poll() is not None:
            return
        try:
            self.ask("-gdb-exit", 10)
            self.gdb.wait(10)
        except (MiError, OSError, subprocess.TimeoutExpired):
            self.kill()
