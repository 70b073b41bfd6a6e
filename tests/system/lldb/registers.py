# SPDX-License-Identifier: Apache-2.0
"""register read, register write: sets, second names, roles, each vCPU's own."""
from session import *

SETS = {"general": "r15" if IS_X86 else "x28", "float": "st7" if IS_X86 else "fpcr", "vector": VECTOR % 15,
        "system": "cr3" if IS_X86 else "TTBR1_EL1"}


def sets():
    found = {group.GetName(): [reg.GetName() for reg in group] for group in frame().GetRegisters()}
    print(found)
    check("register read --all: sets, each with its registers",
          all(name in found.get(group, []) for group, name in SETS.items()), sorted(found))
    said = do("register read --all")
    wanted = ["rip", "fs_base", "st0", "mxcsr", "cr0", "efer"] if IS_X86 else \
        ["pc", "cpsr", VECTOR % 31, "fpsr", "SCTLR_EL1", "VBAR_EL1"]
    missing = [name for name in wanted if not re.search(r"\b%s = (?!error|<)" % name, said)]
    check("register read --all: those that matter have values", not missing, missing)


def roles():
    pairs = [("pc", "rip"), ("sp", "rsp"), ("fp", "rbp"), ("flags", "eflags"), ("arg1", "rdi"), ("arg4", "rcx")] \
        if IS_X86 else [("fp", "x29"), ("lr", "x30"), ("ra", "x30"), ("flags", "cpsr"), ("arg1", "x0")]
    wrong = []
    for role, name in pairs:
        said = do("register read %s" % role)
        number = re.search(r"= (0x[0-9a-f]+)", said)
        if not number or int(number.group(1), 16) != register(name):
            wrong.append("%s: %s" % (role, said))
    check("register read %s: by role" % " ".join(role for role, _ in pairs), not wrong, "\n".join(wrong))


def written():
    before = register(FREE)
    do("register write %s 0xfedcba9876543210" % FREE)
    select(2)
    other = register(FREE)
    select(1)
    go("thread step-inst")
    check("register write %s: there after a step" % FREE, register(FREE) == 0xfedcba9876543210,
          hex(register(FREE)))
    do("register write %s 0x%x" % (FREE, before))
    check("register write: not to another vCPU", other != 0xfedcba9876543210, hex(other))


def of_another_vcpu():
    """The packets name the thread: what is selected does not matter."""
    select(1)
    second = threads()[1]
    before = register(FREE, second)
    reg = second.GetFrameAtIndex(0).FindRegister(FREE)
    error = lldb.SBError()
    good = reg.SetValueFromCString("0x1122334455667788", error)
    mine = register(FREE)
    go("thread step-inst")
    check("a register of vCPU 1 written while vCPU 0 is selected", good and mine != 0x1122334455667788 and
          register(FREE, threads()[1]) == 0x1122334455667788, error)
    threads()[1].GetFrameAtIndex(0).FindRegister(FREE).SetValueFromCString("0x%x" % before, error)


def vectors():
    """The guest has filled them: register n of vCPU i holds 0x1111111111111100 + n and i."""
    wrong = []
    for i, one in enumerate(threads()):
        for n in range(16 if IS_X86 else 32):
            got = register(VECTOR % n, one) & (1 << 128) - 1
            if got != (i << 64 | 0x1111111111111100 + n):
                wrong.append("thread %d register %d: %#x" % (i + 1, n, got))
    check("each vector register of each vCPU: what the guest has put there", not wrong, "\n".join(wrong))


def program_counter():
    """A call skipped by hand: the guest goes on in the caller."""
    set_breakpoint("breakpoint set -o true -n list_sum")
    go()
    back = thread().GetFrameAtIndex(1).GetPC()
    stack = register("rsp") if IS_X86 else 0
    do("register write pc 0x%x" % back)
    if IS_X86:
        do("register write rsp 0x%x" % (stack + 8))
    check("register write pc: lldb sees where that is", frame().GetFunctionName() == "worker_round",
          frame().GetFunctionName())
    set_breakpoint("breakpoint set -o true -n checksum")
    stop = go()
    check("continue from there", stop.function == "checksum", stop)


def registers():
    set_breakpoint("breakpoint set -o true -n worker_round")
    go()
    select(1)
    sets()
    roles()
    vectors()
    written()
    of_another_vcpu()
    program_counter()


run(registers)
