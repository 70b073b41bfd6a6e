# SPDX-License-Identifier: Apache-2.0
"""info registers all; registers written and read back; those of every vCPU."""
from session import *


def read_all():
    said = do("info registers all")
    names = [line.split()[0] for line in said.splitlines() if line and not line[0].isspace()]
    general = ["rax", "r15", "rip", "eflags", "cs", "fs_base", "cr0", "cr3", "cr4", "efer", "st0", "xmm15",
               "mxcsr"] if IS_X86 else \
        ["x0", "x30", "sp", "pc", "cpsr", "v0", "v31", "fpsr", "fpcr", "TTBR0_EL1", "TTBR1_EL1",
         "TCR_EL1", "SCTLR_EL1", "VBAR_EL1", "ESR_EL1", "ELR_EL1", "SP_EL0", "MDSCR_EL1"]
    check("info registers all: %d registers, those that matter among them" % len(names),
          not set(general) - set(names), set(general) - set(names))
    missing = [line.split()[0] for line in said.splitlines()
               if line.rstrip().endswith(("<unavailable>", "<error>")) and not line.startswith(
                   ("HCR_EL2", "MDCR_EL2"))]  # only where KVM nests
    check("info registers all: each has a value", not missing, missing)
    check("info registers all: once more, the same", do("info registers all") == said)
    check("info registers: flags by their names",
          re.search(r"eflags .*\[.*\]" if IS_X86 else r"cpsr .*\[.*\]", do("info registers")) is not None)


def refresh():
    do("maintenance flush register-cache")


def write(name, wanted):
    before = value(name)
    do("set var %s = 0x%x" % (name, wanted))
    refresh()
    got = value(name)
    do("set var %s = 0x%x" % (name, before))
    refresh()
    check("set var %s = 0x%x: read back from the guest, and undone" % (name, wanted),
          got == wanted and value(name) == before, "%#x, then %#x" % (got, value(name)))


def write_all():
    names = ["$r%d" % n for n in range(8, 16)] + ["$rax", "$rbx", "$rcx", "$rdx", "$rsi", "$rdi", "$rbp"] \
        if IS_X86 else ["$x%d" % n for n in range(31)]
    wrong = []
    for n, name in enumerate(names):
        before, wanted = value(name), 0x8877665544332200 + n
        do("set var %s = %d" % (name, wanted))
        refresh()
        if value(name) != wanted:
            wrong.append(name)
        do("set var %s = %d" % (name, before))
    check("set var of each general register: read back from the guest", not wrong, wrong)


def vector():
    """The guest has filled them: register n of vCPU i holds 0x1111111111111100 + n and i."""
    name = "$xmm%d.v2_int64" if IS_X86 else "$v%d.d.u"
    wrong = []
    for thread in threads():
        thread.switch()
        for n in range(16 if IS_X86 else 32):
            low, high = value((name + "[0]") % n), value((name + "[1]") % n)
            if low != 0x1111111111111100 + n or high != thread.num - 1:
                wrong.append("thread %d register %d: %#x %#x" % (thread.num, n, low, high))
    do("thread 1")
    check("p of each vector register on each vCPU: what the guest has put there", not wrong,
          "\n".join(wrong))
    write((name + "[0]") % 7, 0x0123456789abcdef)
    if IS_X86:
        check("p $st0: pi", str(gdb.parse_and_eval("$st0")).startswith("3.14159265"),
              gdb.parse_and_eval("$st0"))


def system():
    if IS_X86:
        check("p $cr0: paging is on", value("$cr0") >> 31 & 1)
        check("p $efer: long mode", "LMA" in do("info registers efer"))
        check("p $cs: kernel code", value("$cs") == 0x10, hex(value("$cs")))
    else:
        check("p $TTBR1_EL1: the kernel's tables are in RAM",
              value("$TTBR1_EL1") & 0xffffffffff >= 0x40000000, hex(value("$TTBR1_EL1")))
        check("p $VBAR_EL1: the vectors", value("$VBAR_EL1") == address("trap_vectors"))
        check("p $SCTLR_EL1: MMU on", value("$SCTLR_EL1") & 1)


def each_vcpu():
    said = do("thread apply all p $sp")
    stacks = set(re.findall(r"= \(void \*\) (0x[0-9a-f]+)|= (0x[0-9a-f]+)", said))
    check("thread apply all p $sp: %d different stacks" % VCPUS, len(stacks) == VCPUS, said)


def program_counter():
    """A call skipped by hand: the guest goes on in the caller."""
    do("tbreak *list_sum")
    stop = go()
    back = gdb.selected_frame().older().pc()
    do("set var $pc = 0x%x" % back)
    if IS_X86:
        do("set var $rsp = $rsp + 8")
    refresh()
    check("set var $pc: read back", pc() == back and stop.function == "list_sum", hex(pc()))
    do("tbreak *checksum")
    stop = go()
    check("continue from the new $pc", stop.function == "checksum", stop)


def return_value():
    """A value that the guest then goes on with."""
    do("tbreak *checksum")
    thread = go().thread
    go("finish")
    register = "$eax" if IS_X86 else "$w0"
    do("set var %s = 0x1234abcd" % register)
    do("tbreak *arch_add thread %d" % thread)
    go()
    do("up")
    check("set var %s before it is stored: the guest stores it" % register,
          value("worker->sum") == 0x1234abcd, hex(value("worker->sum")))
    do("down")


def registers():
    do("tbreak *worker_round")
    go()
    do("thread 1")
    read_all()
    write(FREE, 0xfedcba9876543210)
    write_all()
    vector()
    system()
    each_vcpu()
    program_counter()
    return_value()


run(registers)
