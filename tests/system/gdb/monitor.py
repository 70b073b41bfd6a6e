# SPDX-License-Identifier: Apache-2.0
"""monitor COMMAND: what it says is held against what gdb sees; info os."""
from session import *


def monitor(line):
    return do("monitor " + line)


def lines(line):
    return monitor(line).splitlines()


def helps():
    said = monitor("help")
    names = [line.split()[0] for line in said.splitlines() if line.startswith("  ")]
    check("monitor help: it names what there is",
          {"vcpus", "reg", "page-walk", "xp", "breakpoints", "packets", "stats"} <= set(names), said)
    wrong = [name for name in names if monitor("help " + name).split()[:1] != [name]]
    check("monitor help COMMAND: a line for each of them", not wrong, wrong)
    error = refused("monitor frobnicate")
    check("monitor frobnicate: an error", error is not None, error)
    error = refused("monitor page-walk nowhere")
    check("monitor page-walk nowhere: an error", error is not None, error)


def vcpus():
    said = lines("vcpus")
    check("monitor vcpus: one line for each", len(said) == VCPUS, "\n".join(said))
    for thread in threads():
        thread.switch()
        pc_now = pc()
        said = lines("vcpus")
        check("monitor vcpus: vCPU %d's pc" % (thread.num - 1),
              " pc 0x%x," % pc_now in said[thread.num - 1], "\n".join(said))
        said = monitor("vcpu %d reg %s" % (thread.num - 1, PC[1:]))
        check("monitor vcpu %d reg" % (thread.num - 1), said.split()[-1] == hex(pc_now), said)
    do("thread 1")


def registers():
    before = value(FREE)
    do("set var %s = 0x12345" % FREE)
    said = monitor("reg " + FREE[1:])
    check("monitor reg: as gdb has set it", said.split() == [FREE[1:], "0x12345"], said)
    monitor("reg %s = %s + 0x10 * 2" % (FREE[1:], FREE))
    do("maintenance flush register-cache")
    check("monitor reg NAME = VALUE: gdb sees it", value(FREE) == 0x12365, hex(value(FREE)))
    do("set var %s = %d" % (FREE, before))
    said = monitor("sregs")
    check("monitor sregs", ("cr3" if IS_X86 else "TTBR0_EL1") in said, said)
    said = monitor("info registers")
    check("monitor info registers: NAME=value", "%s=%016x\n" % (PC[1:].upper(), pc()) in said, said)
    error = refused("monitor reg nothing")
    check("monitor reg nothing: an error", error is not None, error)


def xp(gpa, size):
    """So many bytes of guest-physical memory."""
    found = re.findall(r" 0x([0-9a-f]{2})\b", monitor("xp/%dxb 0x%x" % (size, gpa)))
    return bytes(int(byte, 16) for byte in found)


def page_walk(name, at):
    """Each entry is in memory where the walk says, and the end of the way is what gdb sees."""
    said = monitor("page-walk 0x%x" % at)
    steps = re.findall(r"^(\S+(?: \S+)?) +table 0x([0-9a-f]+), entry 0x([0-9a-f]+) = 0x([0-9a-f]+)  \S",
                       said, re.M)
    end = re.search(r"^0x%x is guest-physical 0x([0-9a-f]+), in a page of (\d+) (KiB|MiB|GiB), r" % at, said, re.M)
    if not check("monitor page-walk of %s: every level, and the page" % name, len(steps) >= 2 and end, said):
        return
    for level, table, entry, content in steps:
        check("monitor page-walk of %s: %s is in memory" % (name, level),
              int.from_bytes(xp(int(entry, 16), 8), "little") == int(content, 16) and
              0 <= int(entry, 16) - int(table, 16) < 0x1000, said)
    gpa = int(end.group(1), 16)
    check("monitor page-walk of %s, xp: what x shows" % name, xp(gpa, 64) == memory(at, 64), said)
    check("monitor gva2gpa of %s" % name, monitor("gva2gpa 0x%x" % at) == "gpa: 0x%x\n" % gpa)


def paging():
    page_walk("code", address("worker_round"))
    page_walk("data", address("workers"))
    said = monitor("page-walk 0x%x" % (0xffffa00000000000 if IS_X86 else 0xffff010000000000))
    check("monitor page-walk of a hole: says so", "is not mapped" in said, said)
    at = address("worker_round")
    ranges = [re.match(r"([0-9a-f]{16})-([0-9a-f]{16}) ([0-9a-f]{16}) [-u]r[-w]$", line)
              for line in lines("info mem")]
    check("monitor info mem: as QEMU writes it", ranges and all(ranges))
    inside = [r for r in ranges if r and int(r.group(1), 16) <= at < int(r.group(2), 16)]
    check("monitor info mem: code is in one range", len(inside) == 1)
    pages = [re.match(r"([0-9a-f]{16}): ([0-9a-f]{16}) [-XGPDACTUW]{9}$", line)
             for line in lines("info tlb")]
    check("monitor info tlb: as QEMU writes it", pages and all(pages))
    before = [p for p in pages if p and int(p.group(1), 16) <= at]
    check("monitor info tlb: code is where the walk finds it",
          before and monitor("gva2gpa 0x%s" % before[-1].group(1)) == "gpa: 0x%x\n" % int(before[-1].group(2), 16),
          before and before[-1].group(0))


def breakpoints():
    if not needs("software breakpoints", "monitor breakpoints"):
        return
    number = set_breakpoint("break worker_round")
    do("set breakpoint always-inserted on")
    go()
    said = monitor("breakpoints")
    check("monitor breakpoints: address and state",
          re.search(r"^software 0x%x, guest-physical 0x[0-9a-f]+, planted" % address("worker_round"), said, re.M), said)
    do("set breakpoint always-inserted off")
    do("delete %d" % number)


def rules():
    """What is said of an address holds beyond the breakpoint, and is taken back."""
    at = address("worker_round")
    kind = "hbreak" if able("hardware breakpoints") else "break"
    if not needs("hardware breakpoints" if kind == "hbreak" else "software breakpoints", "monitor ignore",
                 "monitor filter"):
        return
    number = set_breakpoint("%s *0x%x" % (kind, at))
    before = int(re.search(r": (\d+) hits", monitor("ignore 0x%x 20" % at)).group(1))
    stop = go()
    said = monitor("breakpoints")
    counted = re.search(r"0x%x.*, (\d+) hits$" % at, said, re.M)
    check("monitor ignore 20: the 21st hit stops",
          number in stop.numbers and counted and 21 <= int(counted.group(1)) - before < 21 + VCPUS, said)
    said = monitor("filter 0x%x level user" % at)
    check("monitor filter level user: said back", "only in user mode" in said, said)
    stop = stop_now(0.5)
    check("monitor filter level user: kernel code does not stop", number not in stop.numbers, stop)
    monitor("filter 0x%x level any space here" % at)
    stop = go()
    check("monitor filter space here: stops there", number in stop.numbers, stop)
    monitor("filter 0x%x space any" % at)
    do("delete %d" % number)


def tables():
    said = do("info os")
    check("info os: processes and vcpus", "processes" in said and "vcpus" in said, said)
    said = do("info os vcpus")
    check("info os vcpus: one line for each", len(re.findall(r"vCPU \d", said)) == VCPUS, said)
    check("monitor mem map: regions", re.search(r"^[1-9]\d* regions, \d+ KiB$", monitor("mem map"), re.M))
    check("monitor stats", re.search(r"^packets +[1-9]", monitor("stats"), re.M))
    check("monitor packets", "are not" in monitor("packets off"))


def monitor_theme():
    helps()
    vcpus()
    registers()
    paging()
    breakpoints()
    rules()
    tables()


monitor_theme.__name__ = "monitor"
run(monitor_theme)
