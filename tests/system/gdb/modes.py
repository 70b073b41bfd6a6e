# SPDX-License-Identifier: Apache-2.0
"""One session through every mode of an x86 CPU: protected, real, protected again, long; and other layouts."""
from session import *

SHAPE = None  # names of info registers, which a change of modes must not change


def mode_of(thread):
    for line in do("info threads").splitlines():
        found = re.match(r"[* ] +%d +Thread \S+ \((.*?)\)" % thread, line)
        if found:
            return found.group(1)
    return None


def check_registers(where):
    """The layout is that of x86-64 in every mode, and what a narrower one lacks reads as 0."""
    global SHAPE
    said = do("info registers")
    names = [line.split()[0] for line in said.splitlines() if line]
    SHAPE = SHAPE or names
    check("info registers %s: the same as ever, each with a value" % where,
          names == SHAPE and "<" not in re.sub(r"<[\w+]+>", "", said), said)


def check_narrow(where):
    wide = [name for name in ("$rax", "$rbx", "$rcx", "$rdx", "$rsi", "$rdi", "$rbp", "$rsp", "$rip")
            if value(name) >> 32]
    check("p $rax to $rip %s: zero-extended" % where, not wide, wide)


def check_code(where, at, code):
    """What gdb finds at its $pc is what the CPU will execute."""
    check("x/8xb $pc %s: the code there" % where, pc() == at and memory(pc(), len(code)) == code,
          "%#x: %s" % (pc(), memory(pc(), len(code)).hex()))


def protected():
    check("info threads: 32-bit, and CPUs that wait",
          mode_of(1) == "vCPU 0, in kernel mode, 32-bit" and "waiting for" in mode_of(2), do("info threads"))
    check_registers("in protected mode")
    check_narrow("in protected mode")
    check_code("in protected mode", address("boot_start"), in_file(address("boot_start"), 8))
    check("p $cr0: no paging", value("$cr0") >> 31 == 0 and value("$cr0") & 1)


def real():
    at = value("&trampoline")
    number = set_breakpoint("hbreak *0x%x" % at)
    stop = go()
    check_stop("hbreak of the trampoline, by its linear address; continue", stop, by=number, thread=2)
    check("info threads: real mode", mode_of(2) == "vCPU 1, in real mode, 16-bit", do("info threads"))
    check("p $cs: its base is not 0", value("$cs") == at >> 4, hex(value("$cs")))
    check_registers("in real mode")
    check_narrow("in real mode")
    check_code("in real mode", at, bytes.fromhex("fafc31c08ed8668b"))
    check("x/i $pc in real mode", "cli" in do("x/i $pc"))
    return at


def offset(at):
    """The same by offset, as the CPU has it."""
    do("monitor linear-pc off")
    do("maintenance flush register-cache")
    check("monitor linear-pc off: $pc is the offset", pc() == 0, hex(pc()))
    do("monitor linear-pc on")
    do("maintenance flush register-cache")
    check("monitor linear-pc on: $pc is the address", pc() == at, hex(pc()))


def written(at):
    do("set var $pc = 0x%x" % (at + 1))
    do("maintenance flush register-cache")
    check("set var $pc in real mode: an address, too", pc() == at + 1 and value("$cs") == at >> 4, hex(pc()))
    do("set var $pc = 0x%x" % at)


def stepped(at):
    stop = go("stepi")
    check("stepi in real mode", stop.pc == at + 1 and stop.thread == 2, stop)
    stop = go("stepi")
    check("stepi in real mode, again", stop.pc == at + 2 and stop.thread == 2, stop)


def disassembled():
    """gdb takes the CPU for a smaller one, from its next look at the description on."""
    do("monitor arch i8086")
    check("monitor arch i8086: nothing changes yet", value("$rip") == pc() and "cli" not in do("x/i $pc"))
    do("file")
    do("unset tdesc filename")
    said = do("x/2i $pc")
    check("monitor arch i8086, unset tdesc filename: 16-bit code", "xor    %ax,%ax" in said, said)
    check("info registers: those of i8086", re.search("^eip ", do("info registers"), re.M))
    do("set var $ecx = 0x12345678")
    do("maintenance flush register-cache")
    check("set var $ecx: read back", value("$ecx") == 0x12345678, hex(value("$ecx")))
    check("p $cr0, $gdtr_limit: there, too", value("$cr0") & 1 == 0 and value("$gdtr_limit") == 0xffff)
    before = pc()
    stop = go("stepi")
    check("stepi as i8086", stop.pc == before + 2, stop)
    do("monitor arch x86-64")
    do("unset tdesc filename")
    do("file %s" % os.environ["STAGE_ELF"])
    check("monitor arch x86-64, unset tdesc filename: $rcx", value("$rcx") == 0x12345678, hex(value("$rcx")))
    check_registers("in real mode, after another layout")


def protected_again():
    do("delete")
    number = set_breakpoint("hbreak *trampoline_32")
    stop = go()
    check_stop("hbreak of 32-bit code, set in real mode; continue", stop, by=number, thread=2)
    check("info threads: 32-bit", mode_of(2) == "vCPU 1, in kernel mode, 32-bit", do("info threads"))
    check_registers("in protected mode, on the way from real mode")
    check_narrow("in protected mode, on the way from real mode")
    check_code("on the way from real mode", value("&trampoline_32"), bytes.fromhex("b8180000008ed88e"))


def long():
    do("delete")
    number = set_breakpoint("hbreak *cpu_main")
    stop = go()
    check_stop("hbreak *cpu_main, set in protected mode; continue", stop, at="cpu_main", by=number, thread=2)
    check("info threads: 64-bit", mode_of(2) == "vCPU 1, in kernel mode, 64-bit", do("info threads"))
    check_registers("in long mode")
    check_code("in long mode", value("&cpu_main"), in_file(value("&cpu_main"), 8))
    check("p $rip, $rsp in long mode: 64 bits", value("$rip") >> 32 == value("$rsp") >> 32 == 0xffffffff)


def modes():
    protected()
    names = ["hbreak of the trampoline, by its linear address"]
    if needs("early hardware breakpoints", *names):
        at = real()
        offset(at)
        written(at)
        stepped(at)
        disassembled()
        protected_again()
    long()


run(modes)
