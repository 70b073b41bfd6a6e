# SPDX-License-Identifier: Apache-2.0
"""What only arm64 has: SVE, system registers by their names, thread pointers, signed return addresses."""
from session import *

FULL = (1 << 64) - 1


def refresh():
    do("maintenance flush register-cache")


def words():
    return value("sizeof($z0)") // 8


def described(*names):
    said = do("maintenance print remote-registers")
    known = {}
    for line in said.splitlines():
        found = re.match(r"\s*(\S+)\s+\d+\s+.*?\s(\d+)\s+(?:-?\d+)?\s*(?:yes)?\s*$", line)
        if found:
            known[found.group(1)] = int(found.group(2))
    return [name for name in names if name not in known]


def read_back(name, wanted):
    """Written, read back from the vCPU, and undone."""
    before = value(name)
    do("set var %s = 0x%x" % (name, wanted))
    refresh()
    got = value(name)
    do("set var %s = 0x%x" % (name, before))
    refresh()
    check("set var %s = 0x%x: read back from the guest, and undone" % (name, wanted),
          got == wanted and value(name) == before, "%#x, then %#x" % (got, value(name)))


# ---- SVE -----------------------------------------------------------------------------------


def vector_length():
    """The guest has stored its registers one behind the other."""
    vg = value("$vg")
    check("p $vg: %d, the length of $z0 and of what the guest stores" % vg,
          vg == words() and value("sizeof($p0)") == vg and
          value("images[0].vectors[%d]" % vg) == 0x1111111111111101, (vg, words()))


def vectors_of(thread):
    """What differs from what the guest has put there (tests/guest/vector_arm64.c)."""
    wrong, size = [], words()
    for n in range(32):
        expected = [0x1111111111111100 + n, thread.num - 1] + [i << 32 | n for i in range(2, size)]
        z = gdb.parse_and_eval("$z%d" % n)["d"]["u"]
        got = [int(z[i]) & FULL for i in range(size)]
        if got != expected:
            wrong.append("thread %d z%d: %s" % (thread.num, n, ["%#x" % word for word in got]))
    for n in range(16):
        p = gdb.parse_and_eval("$p%d" % n)
        if [int(p[i]) for i in range(size)] != [n * 0x11] * size:
            wrong.append("thread %d p%d: %s" % (thread.num, n, p))
    if set(int(gdb.parse_and_eval("$ffr")[i]) for i in range(size)) != {0xff}:
        wrong.append("thread %d ffr: %s" % (thread.num, gdb.parse_and_eval("$ffr")))
    return wrong


def vectors():
    wrong = []
    for thread in threads():
        thread.switch()
        wrong += vectors_of(thread)
    do("thread 1")
    check("p of each of z, p and ffr on each vCPU: what the guest has put there", not wrong,
          "\n".join(wrong))
    last = words() - 1
    read_back("$z0.d.u[0]", 0x0123456789abcdef)
    read_back("$z31.d.u[%d]" % last, 0xfedcba9876543210)
    read_back("$p15[%d]" % last, 0x5a)
    read_back("$fpcr", 0x3000000)
    check("set var $vg: refused", refused("set var $vg = 2") is not None)


def seen_by_guest():
    """Two words changed here are stored by the guest itself, with each heartbeat."""
    last = words() - 1
    do("tbreak heartbeat")
    go()
    do("set var $z9.d.u[%d] = 0x600d600d600d600d" % last)
    do("set var $p3[%d] = 0xa5" % last)
    do("tbreak console_print")
    go()
    check("set var of $z9 and $p3: the guest stores what was set",
          value("image_now.vectors[%d]" % (9 * words() + last)) == 0x600d600d600d600d and
          value("image_now.predicates[%d]" % (3 * words() + last)) == 0xa5 and
          value("vectors_intact") == 0)
    do("set var $z9.d.u[%d] = 0x%x" % (last, last << 32 | 9))
    do("set var $p3[%d] = 0x33" % last)
    do("tbreak heartbeat")
    go()
    do("tbreak console_print")
    go()
    check("set var of both to what they were: the guest finds all as it was",
          value("vectors_intact") == 1)


def sve():
    names = ["z0", "z31", "p0", "p15", "ffr", "vg", "fpsr", "fpcr"]
    check("maintenance print remote-registers: gdb knows the registers of SVE",
          not described(*names), described(*names))
    vector_length()
    vectors()
    seen_by_guest()


# ---- system registers ----------------------------------------------------------------------


def list_registers(which):
    do("monitor list-registers " + which)
    do("unset tdesc filename")


def listed():
    names = ["SCTLR_EL1", "TPIDR_EL1", "CNTV_CTL_EL0", "ELR_EL1"]
    short = re.findall(r"^\S+", do("info registers system"), re.M)
    check("info registers system: %d by themselves" % len(short),
          set(names) <= set(short) and len(short) < 50 and "ID_AA64ISAR1_EL1" not in short, short)
    general = len(do("info registers").splitlines())
    check("info registers: %d lines" % general, general < 100)
    list_registers("all")
    system = do("info registers system")
    names = [line.split()[0] for line in system.splitlines() if line and not line[0].isspace()]
    wanted = {"SCTLR_EL1", "TPIDR_EL1", "MIDR_EL1", "ID_AA64ISAR0_EL1", "CNTV_CTL_EL0", "DBGBVR0_EL1",
              "DBGWCR0_EL1", "CPACR_EL1", "CONTEXTIDR_EL1", "SPSR_EL1"}
    check("monitor list-registers all; info registers system: %d of them" % len(names),
          wanted <= set(names) and len(names) > 100, wanted - set(names))
    check("info registers system: what this vCPU does not have is not listed",
          not {"TTBR0_EL2", "SMCR_EL1"} & set(names) and "unavailable" not in system and
          "error" not in system, system)


def thread_pointers():
    wrong = []
    for thread in threads():
        thread.switch()
        if value("$TPIDR_EL1") != address("cpus[%d]" % (thread.num - 1)):
            wrong.append("thread %d: %#x" % (thread.num, value("$TPIDR_EL1")))
    check("p $TPIDR_EL1 on each vCPU: its own", not wrong, "\n".join(wrong))
    read_back("$tpidr", 0x123456789abcdef0)
    do("set var $tpidr = 0x55aa")
    refresh()
    check("set var $tpidr: it is TPIDR_EL0", value("$TPIDR_EL0") == 0x55aa)
    do("thread 1")


def values():
    check("p $MPIDR_EL1, $CPACR_EL1, $CNTV_CTL_EL0: the CPU's number, no traps, the timer is on",
          value("$MPIDR_EL1") & 0xff == 0 and value("$CPACR_EL1") >> 20 & 3 == 3 and
          value("$CNTV_CTL_EL0") & 1 == 1)
    before = value("$CNTVCT_EL0")
    stop_now()
    do("thread 1")
    after = value("$CNTVCT_EL0")
    check("p $CNTVCT_EL0: goes on with the guest", after > before, (before, after))
    read_back("$CONTEXTIDR_EL1", 0x2a)
    read_back("$DBGWVR0_EL1", 0x1000)
    for name in ("MIDR_EL1", "CNTVCT_EL0", "ID_AA64PFR0_EL1"):
        check("set var $%s: refused" % name, refused("set var $%s = 1" % name) is not None)


def debugger_is_hidden():
    do("hbreak list_sum")
    do("watch total_rounds")
    go()
    check("hbreak, watch: the guest's own debug registers know nothing of them",
          value("$DBGBCR0_EL1") == 0 and value("$DBGWCR0_EL1") == 0 and value("$MDSCR_EL1") == 0)
    clean()


def exception_levels():
    check("info threads: EL1h", "EL1h" in do("info threads").split("*")[1].splitlines()[0])
    do("tbreak user_collatz")
    go()
    check("info threads: EL0", "EL0" in do("info threads").split("*")[1].splitlines()[0],
          do("info threads"))
    clean()


# ---- signed return addresses ---------------------------------------------------------------


def signed():
    do("tbreak checksum")
    go()
    do("frame 1")
    stored, back = value("*(unsigned long *)($fp + 8)"), gdb.selected_frame().older().pc()
    do("frame 0")
    said = do("bt")
    mask = value("$pauth_cmask_high")
    names = re.findall(r"^#\d+ .*?(\w+) \(.*?\) at ", said, re.M)
    check("x/gx $fp + 8: the return address is signed", stored != back and not (stored ^ back) & ~mask,
          "%#x for %#x, mask %#x" % (stored, back, mask))
    check("bt: through signed return addresses, to the end",
          names[:3] == ["checksum", "worker_round", "worker_loop"] and "cpu_main" in names[-2:], said)
    stop = go("finish")
    check("finish: by a signed return address", stop.function == "worker_round", stop)
    stop = go("finish")
    check("finish: once more", stop.function == "worker_loop", stop)


def arm64():
    do("tbreak *worker_round")
    go()
    do("thread 1")
    missing = described("x0", "cpsr", "tpidr", "TPIDR_EL1")
    check("maintenance print remote-registers: gdb has accepted the description", not missing, missing)
    listed()
    thread_pointers()
    values()
    debugger_is_hidden()
    exception_levels()
    if needs("SVE", "z, p, ffr and vg"):
        sve()
    if needs("pointer authentication", "bt through signed return addresses"):
        if GDB_VERSION >= 14:
            signed()
        else:
            skip("bt through signed return addresses", "gdb %d knows none of kernels" % GDB_VERSION)
    list_registers("short")


run(arm64)
