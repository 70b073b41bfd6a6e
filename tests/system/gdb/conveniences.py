# SPDX-License-Identifier: Apache-2.0
"""What gdb makes of the protocol for its users' convenience: cores, searches, values, polite refusals."""
import tempfile

from session import *


def strings_over_page_ends():
    """The last bytes before something that is not mapped: what is there is shown."""
    at = address("workers") & ~0xfff
    said = do("x/8xb 0x%x" % (at + 0xffc))
    check("x over the end of a page: both sides", len(re.findall(r"0x[0-9a-f]{2}\b", said)) >= 8, said)
    do("set var *(char *)%d = 'a'" % (at + 0xffd))
    said = do("x/s 0x%x" % (at + 0xffd))
    check("x/s over the end of a page", '"a' in said, said)


def expressions():
    """Everything but calls of the guest's functions."""
    before = value("total_rounds")
    do("set var total_rounds = total_rounds + 5")
    check("set var: an expression of the guest's variables", value("total_rounds") == before + 5)
    do("set var total_rounds = %d" % before)
    said = do("print workers[0].nr_rounds > 0 ? sizeof(workers[0]) : 0")
    check("print: a conditional expression", int(said.split("=")[1]) > 0, said)
    error = refused("print $_siginfo")
    check("print $_siginfo: none, in words", error is not None and "siginfo" in error, error)


def refusals():
    said = refused("info auxv") or do("info auxv")
    check("info auxv: there is none, in words", "auxiliary vector" in said or "not" in said, said)
    said = do("tstatus")
    check("tstatus: no tracing, in words", "not supported" in said or "can not" in said, said)
    error = refused("tstart")
    check("tstart: refused", error is not None, error)
    error = refused("record btrace")
    check("record btrace: refused", error is not None, error)
    check("the session goes on", len(threads()) == VCPUS)


def core():
    """A core of the guest: registers of every thread and the memory that gdb knows of."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "core")
        do("mem 0x%x 0x%x rw" % (address("workers") & ~0xfff, (address("workers") & ~0xfff) + 0x2000)
           if able("software breakpoints") else "info mem")
        do("set osabi GNU/Linux")  # who writes cores there is the OS ABI, not the protocol
        said = do("generate-core-file " + path)
        do("set osabi auto")
        size = os.path.getsize(path) if os.path.exists(path) else 0
        check("generate-core-file: it is there", size > 0, said)
        with open(path, "rb") as file:
            head = file.read(18)
        check("generate-core-file: an ELF core of this architecture",
              head[:4] == b"\x7fELF" and head[16] == 4, head)
    if able("software breakpoints"):
        do("delete mem")


def conveniences():
    strings_over_page_ends()
    expressions()
    refusals()
    core()


run(conveniences)
