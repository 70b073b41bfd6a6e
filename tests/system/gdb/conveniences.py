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
    error = refused("print $_siginfo") or do("print $_siginfo")
    check("print $_siginfo: there is none, in words", "siginfo" in error or "void" in error, error)


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
    """A core of the guest: the registers of every thread, and the memory that its page tables map."""
    if IS_X86:  # where gdb's OS ABI, which writes the core, wants to see a register of Linux
        do("monitor list-registers all")
        do("unset tdesc filename")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "core")
        said = do("generate-core-file " + path, patience=200)
        check("generate-core-file: saved", "Saved" in said, said)
        looked = subprocess.run(  # by Debian's own: gdb may have brought another Python for itself
            ["gdb-multiarch", "-nx", "-batch", "-ex", "info threads", "-ex", "print total_rounds",
             os.environ["STAGE_ELF"], path],
            env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    check("generate-core-file; gdb ELF CORE: every thread is in it",
          len(re.findall(r"^[* ] +\d+ ", looked, re.M)) == VCPUS, looked)
    check("generate-core-file; gdb ELF CORE: the guest's memory is in it",
          "$1 = %d" % value("total_rounds") in looked, looked)
    if IS_X86:
        do("monitor list-registers short")
        do("unset tdesc filename")


def conveniences():
    strings_over_page_ends()
    expressions()
    refusals()
    if KIND == "x86-bochs":
        skip("generate-core-file", "that many reads take minutes in an emulated machine")
    else:
        core()


run(conveniences)
