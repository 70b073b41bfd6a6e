# SPDX-License-Identifier: Apache-2.0
"""For scripts inside a debugger: what they run on, and how they say what is so.

Every check is a line of TAP that names the debugger's command; it goes to the file that TAP_FILE names, and
the debugger's own words stay out of it. What the script runs on is in the environment, see stage.sh.
"""
import os
import struct
import subprocess

KIND = os.environ["STAGE_KIND"]
ARCH = os.environ["STAGE_ARCH"]
TARGET = os.environ["STAGE_TARGET"]
VCPUS = int(os.environ["STAGE_VCPUS"])
ABILITIES = dict(line.split("=") for line in os.environ["STAGE_ABILITIES"].split())

IS_X86 = ARCH == "x86_64"
MASK = (1 << 64) - 1

ABILITY = {
    "software breakpoints": ("int3-exits", "brk-exits"),
    "user software breakpoints": ("int3-exits-user", "brk-exits-user"),
    "early software breakpoints": ("int3-exits-protected", "brk-exits"),
    "hardware breakpoints": ("hw-exec", "hw-exec"),
    "early hardware breakpoints": ("hw-exec-real", "hw-exec"),
    "user hardware breakpoints": ("hw-exec-user", "hw-exec-user"),
    "watchpoints": ("hw-watch", "hw-watch"),
    "user watchpoints": ("hw-watch-user", "hw-watch-user"),
    "access watchpoints": ("hw-watch-rw", "hw-watch-rw"),
    "steps": ("step", "step"),
    "user steps": ("step-user", "step-user"),
    "SVE": ("sve", "sve"),
    "pointer authentication": ("pauth", "pauth"),
}

_tap = open(os.environ["TAP_FILE"], "a", buffering=1)


# ---- TAP -----------------------------------------------------------------------------------


def check(name, condition, detail=""):
    """One line: whether what `name` says is so. The detail follows when it is not."""
    _tap.write("%s - %s\n" % ("ok" if condition else "not ok", name))
    if not condition and detail != "":
        for line in str(detail).splitlines():
            _tap.write("#   %s\n" % line)
    return bool(condition)


def able(what):
    return ABILITIES.get(ABILITY[what][0 if IS_X86 else 1]) == "yes"


def skip(name, why):
    _tap.write("ok - %s # SKIP %s\n" % (name, why))


def needs(what, *names):
    """Whether this KVM has that; else each of the names is a skipped test."""
    if able(what):
        return True
    for name in names:
        skip(name, "no %s in this KVM (%s=no)" % (what, ABILITY[what][0 if IS_X86 else 1]))
    return False


# ---- time and files ------------------------------------------------------------------------

# A Ctrl-C for the debugger when no line comes in the time that the line before it gave. No thread of Python's:
# gdb 18 does not survive a signal that reaches another thread than its own.
_watchdog = subprocess.Popen(
    ["bash", "-c", "while read -r n; do [ -z \"$n\" ] || read -t $n -r n || kill -INT %d; done" % os.getpid()],
    stdin=subprocess.PIPE, start_new_session=True)


def watch(seconds):
    """Starts the watchdog; without a time: calls it off."""
    _watchdog.stdin.write(b"%s\n" % (b"%d" % seconds if seconds else b""))
    _watchdog.stdin.flush()


def segments(image):
    """Of an ELF file: the addresses that the guest runs them at, where they are loaded, offsets, sizes."""
    start, = struct.unpack_from("<Q", image, 32)
    entry_size, entries = struct.unpack_from("<HH", image, 54)
    for i in range(entries):
        kind, _, offset, gva, gpa, length = struct.unpack_from("<IIQQQQ", image, start + i * entry_size)
        if kind == 1:
            yield gva, gpa, offset, length


def in_file(at, size):
    """What the ELF file has at an address that the guest runs it at."""
    image = open(os.environ["STAGE_ELF"], "rb").read()
    for gva, _, offset, length in segments(image):
        if gva <= at and at + size <= gva + length:
            return image[offset + at - gva:offset + at - gva + size]
    raise LookupError(hex(at))


def physical(at):
    """Where the guest has what it knows by that address."""
    for gva, gpa, _, length in segments(open(os.environ["STAGE_ELF"], "rb").read()):
        if gva <= at < gva + length:
            return at - gva + gpa
    raise LookupError(hex(at))
