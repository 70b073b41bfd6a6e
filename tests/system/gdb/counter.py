# SPDX-License-Identifier: Apache-2.0
"""How many packets gdb sends: it is connected to a counter, and the counter to the target."""
import os
import subprocess
import tempfile
import time

import session

_folder = None
_counter = None
_target = session.TARGET


def start(delay=0):
    """From now on session.attach() connects to the counter, as far away as that many seconds."""
    global _counter, _folder
    _folder = tempfile.TemporaryDirectory(prefix="gdbproxy-count.")
    path = _folder.name + "/gdb"
    # -I: gdb may have brought a Python of its own, and told its children of it.
    _counter = subprocess.Popen(["python3", "-I",
                                 os.path.join(os.path.dirname(__file__), "count_packets.py"),
                                 path, _target, _folder.name + "/count", str(delay)])
    end = time.monotonic() + session.PATIENCE
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.05)
    session.TARGET = path


def stop():
    _counter.kill()
    _counter.wait()
    session.TARGET = _target
    _folder.cleanup()


def _letters():
    try:
        with open(_folder.name + "/count", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def resumes():
    """How often gdb has let the guest go, also after a condition that it has found to be false itself."""
    return _letters().count(b"r")


def packets():
    return len(_letters())
