# SPDX-License-Identifier: Apache-2.0
"""info registers all; registers written and read back; those of every vCPU; which are listed."""
from session import *


def has(name):
    return str(gdb.parse_and_eval(name)) != "void"


def widest_vector():
    """gdb shows the vector registers once, as wide as they are."""
    return next(name for name in ("zmm15", "ymm15", "xmm15") if has("$" + name))


def read_all():
    said = do("info registers all")
    names = [line.split()[0] for line in said.splitlines() if line and not line[0].isspace()]
    general = ["rax", "r15", "rip", "eflags", "cs", "fs_base", "cr0", "cr3", "cr4", "efer", "st0",
               widest_vector(), "mxcsr", "gdtr_base", "lstar"] if IS_X86 else \
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
    if not IS_X86 and ABILITIES.get("sve") == "yes":
        name = "$z%d.d.u"  # a write to v would clear what is above it, as instructions do
    write((name + "[0]") % 7, 0x0123456789abcdef)
    if IS_X86:
        check("p $st0: pi", str(gdb.parse_and_eval("$st0")).startswith("3.14159265"),
              gdb.parse_and_eval("$st0"))


def skip(name, reason):
    check("%s # SKIP %s" % (name, reason), True)


def extended():
    """AVX and AVX-512, as far as the guest has them."""
    for what, name in (("AVX", "$ymm5.v4_int64[3]"), ("AVX-512", "$zmm13.v8_int64[7]"),
                       ("AVX-512", "$zmm30.v8_int64[0]"), ("AVX-512", "$k3")):
        if not has(name.split(".")[0]):
            skip("set var %s" % name, "no %s in this guest" % what)
            continue
        before = value("$xmm5.v2_int64[0]")
        write(name, 0x0123456789abcdef)
        check("set var %s: $xmm5 is what it was" % name, value("$xmm5.v2_int64[0]") == before)
    filled()


def filled():
    """What the guest has put there itself, where its CPU knows XSAVE; see vector_x86_64.c."""
    sources = [("AVX", 2, "$ymm%d.v4_int64[2]", range(16), 0x2222222222222200),
               ("AVX-512", 6, "$zmm%d.v8_int64[4]", range(16), 0x3333333333333300),
               ("AVX-512", 7, "$zmm%d.v8_int64[0]", range(16, 32), 0x4444444444444400 - 16),
               ("AVX-512", 5, "$k%d", range(8), 0x5500)]
    for what, bit, name, numbers, first in sources:
        text = "p %s of each: what the guest has put there" % (name % numbers[0])
        if not has("$xcr0") or not value("$xcr0") >> bit & 1:
            skip(text, "this guest has not turned on %s" % what)
            continue
        wrong = [n for n in numbers if value(name % n) != first + n]
        check(text, not wrong, "%s: %#x" % (wrong, value(name % numbers[0])))
        if bit == 2:
            wrong = [t.num for t in threads()
                     if t.switch() or value("$ymm3.v4_int64[3]") != t.num - 1]
            check("p $ymm3.v4_int64[3] on each vCPU: its own", not wrong, wrong)
            do("thread 1")


def flip(name, bits):
    """Writes a register of 64 bits, which may be one of flags, and undoes it."""
    before = value(name)
    do("set var %s = 0x%xUL" % (name, before ^ bits))
    refresh()
    got = value(name)
    do("set var %s = 0x%xUL" % (name, before))
    refresh()
    check("set var %s = 0x%x: read back from the guest, and undone" % (name, before ^ bits),
          got == before ^ bits and value(name) == before, "%#x, then %#x" % (got, value(name)))


def descriptors():
    check("p $gdtr_base, $idtr_base, $tr_base: the guest's own tables",
          (value("$gdtr_base"), value("$idtr_base"), value("$tr_base")) ==
          (value("&gdt[0]"), value("&idt[0]"), value("&tss[0]")), hex(value("$gdtr_base")))
    check("p $tr, $idtr_limit", (value("$tr"), value("$idtr_limit")) == (0x40, 0xfff), hex(value("$tr")))
    flip("$gdtr_base", 0x1000)
    write("$idtr_limit", 0x7ff)
    check("set var $tr: refused, as it would lack its descriptor", refused("set var $tr = 0x18"))
    check("set var $gdtr_base to no address: refused", refused("set var $gdtr_base = 0x8000000000000000"))


def msrs():
    check("p $lstar: the guest's entry", value("$lstar") == value("&syscall_entry"), hex(value("$lstar")))
    check("p $star, $fmask", (value("$star") >> 32, value("$fmask") & 0x700) == (0x230010, 0x700),
          hex(value("$star")))
    flip("$lstar", 0x10)
    check("set var $lstar to no address: refused", refused("set var $lstar = 0x8000000000000000"))
    refresh()
    check("set var $lstar to no address: it is what it was", value("$lstar") == value("&syscall_entry"))
    flip("$k_gs_base", 0x1000)
    flip("$cr4", 0x80)
    check("set var $cr4: a bit that is none: refused", refused("set var $cr4 = 0x8000000000000000UL"))


def listing():
    """What is not listed is there all the same: by monitor, and to gdb when it asks for all."""
    few = len(do("info registers").splitlines())
    check("info registers: %d lines" % few, few <= 56, few)
    check("p $dr7: not listed", not has("$dr7"))
    check("monitor reg dr7: there", "0x400" in do("monitor reg dr7"))
    said = do("monitor msrs")
    check("monitor msrs: those of the table, and of SYSCALL",
          all(re.search(r"^%s +0x" % name, said, re.M) for name in ("lstar", "apic_base", "tsc", "pat")), said)
    do("monitor list-registers all")
    do("unset tdesc filename")
    check("monitor list-registers all: p $dr7", has("$dr7") and value("$dr7") == 0x400)
    check("monitor list-registers all: p $tsc", value("$tsc") > 0)
    check("monitor list-registers all: p $cs_limit", value("$cs_limit") & 0xffffffff == 0xffffffff, hex(value("$cs_limit")))
    check("info registers tr_access: a busy TSS", "TYPE=11" in do("info registers tr_access"))
    write("$dr1", 0x12345678)
    flip("$sysenter_eip", 0x1000)
    check("set var $dr7: an upper bit: refused", refused("set var $dr7 = 0x100000400"))
    check("set var $xcr0: AVX without SSE: refused by KVM", refused("set var $xcr0 = 5UL"))
    before = value("$mtrrcap")
    check("set var $mtrrcap: refused by KVM", refused("set var $mtrrcap = %d" % (before ^ 1)))
    refresh()
    check("set var $mtrrcap: it is what it was", value("$mtrrcap") == before, hex(value("$mtrrcap")))
    check("info registers: each has a value", "<unavailable>" not in do("info registers"))
    do("monitor list-registers short")
    do("unset tdesc filename")
    check("monitor list-registers short: as before", len(do("info registers").splitlines()) == few)


def x86():
    extended()
    descriptors()
    msrs()
    listing()


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
    if IS_X86:
        x86()
    each_vcpu()
    program_counter()
    return_value()


run(registers)
