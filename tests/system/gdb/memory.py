# SPDX-License-Identifier: Apache-2.0
"""x, print, set var, find, dump, compare-sections; what is not there is an error."""
from session import *

HOLE = 0xffffa00000000000 if IS_X86 else 0xffff010000000000
DEVICE = 0xffffffffc0000000 if IS_X86 else 0xffff000009000000
DEVICE_PHYSICAL = 0xfee00000 if IS_X86 else 0x9000000
TEXT = "worker_round"


def read_code():
    at = address(TEXT)
    check("x/i: code of the guest", TEXT in do("x/8i %s" % TEXT))
    check("x/64xb: as in the ELF file", memory(at, 64) == in_file(at, 64))
    check("x/2xg over the end of a page",
          memory((at | 0xfff) - 7, 16) == in_file((at | 0xfff) - 7, 16))


def whole_text():
    """All of the kernel's code in one read, with breakpoints planted in it."""
    start = address("line_add") & ~0xfff
    size = (address("user_image_address") & ~0xfff) - start - 0x1000
    number = set_breakpoint("%s *worker_round" % ("break" if able("software breakpoints") else "hbreak"))
    do("set breakpoint always-inserted on")
    check("x of %d bytes of code, with a breakpoint in it: as in the ELF file" % size,
          memory(start, size) == in_file(start, size))
    do("set breakpoint always-inserted off")
    do("delete %d" % number)


def strings():
    start = address("line_add") & ~0xfff
    found = gdb.selected_inferior().search_memory(start, 0x4000, b"Hello from the demo guest")
    if check("find: a string of the guest", found is not None):
        said = do("x/s 0x%x" % found)
        check("x/s", "Hello from the demo guest: %u vCPUs at work." in said, said)
    check("print of a structure with a list in it", "nr_nodes = " in do("print *(struct worker *)&workers"))
    check("print of an array", "is_online = 1" in do("print cpus[%d]" % (VCPUS - 1)))


def asked_there(packet):
    """Whether gdb has the target do it, and does not read the memory itself."""
    return "currently enabled" in do("show remote %s-packet" % packet)


def searched():
    at = address("line_add") & ~0xfff
    said = do("find /b 0x%x, +0x3000, 'H', 'e', 'l', 'l', 'o', ' ', 'f', 'r', 'o', 'm'" % at)
    check("find: one place, found by the target", "1 pattern found" in said and asked_there("search-memory"),
          said)
    said = do("find /w 0x%x, +0x2000, 0x7ab1e5ad" % at)
    check("find of what is not there", "Pattern not found" in said, said)


def packet(payload):
    """What the target answers; gdb shows it in quotes."""
    return re.search(r'received: "(.*)"', do("maint packet " + payload)).group(1)


def set_physical(mode):
    answer = packet("Qqemu.PhyMemMode:%d" % mode)
    do("maintenance flush dcache")
    return answer == "OK" and packet("qqemu.PhyMemMode") == "%d" % mode


def checksum(data):
    """The manual's, of qCRC."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04c11db7 if crc >> 31 else 0)) & 0xffffffff
    return crc


def compared():
    """By checksums that the target makes, where sections are loaded: a kernel's are physical addresses."""
    at = physical(address("list_sum"))
    set_physical(1)
    said = do("compare-sections .text")
    check("compare-sections .text: matched", "matched" in said and "MIS" not in said, said)
    check("maint packet qCRC: as in the ELF file",
          packet("qCRC:%x,100" % at) == "C%x" % checksum(in_file(address("list_sum"), 0x100)))
    old = memory(at, 1)
    gdb.selected_inferior().write_memory(at, bytes([old[0] ^ 1]))
    said = do("compare-sections .text")
    check("compare-sections after a byte was changed: mis-matched", "MIS-MATCHED" in said, said)
    gdb.selected_inferior().write_memory(at, old)
    check("compare-sections after it was changed back", "MIS" not in do("compare-sections .text"))
    set_physical(0)


def physical_memory():
    """As scripts for QEMU have it."""
    code, word = address(TEXT), address("demo_talks")
    check("maint packet Qqemu.PhyMemMode:1", set_physical(1))
    check("x/64xb of a physical address: as in the ELF file",
          memory(physical(code), 64) == in_file(code, 64))
    check("x of the virtual address: an error now", refused("x/xw 0x%x" % code) is not None)
    gdb.selected_inferior().write_memory(physical(word), struct.pack("<I", 0x600d))
    error = refused("x/xw 0x%x" % DEVICE_PHYSICAL)
    check("x of a device's physical address: an error",
          error is not None and "Cannot access memory" in error, error)
    check("maint packet Qqemu.PhyMemMode:0", set_physical(0))
    check("what was written to a physical address, by its virtual one", value("demo_talks") == 0x600d)
    do("set var demo_talks = 1")
    check("x/64xb of a virtual address again", memory(code, 64) == in_file(code, 64))
    check("maint packet qqemu.sstepbits, qqemu.sstep",
          packet("qqemu.sstepbits") == "ENABLE=1,NOIRQ=2,NOTIMER=4" and packet("qqemu.sstep") == "0x7")


def write():
    before = value("demo_talks")
    do("set var demo_talks = 0x5a5a")
    do("maintenance flush dcache")
    check("set var demo_talks: read back from the guest", value("demo_talks") == 0x5a5a)
    do("set var demo_talks = %d" % before)
    at = value("(unsigned long)&workers[0].copy")
    old = memory(at, 64)
    pattern = bytes((i * 7) & 0xff for i in range(64))
    gdb.selected_inferior().write_memory(at, pattern)
    do("maintenance flush dcache")
    check("write of 64 bytes, read back", memory(at, 64) == pattern)
    gdb.selected_inferior().write_memory(at, old)


def write_silences():
    """The guest itself sees what is written."""
    do("set var demo_talks = 0")
    beats = value("heartbeats")
    number = set_breakpoint("tbreak console_print")
    other = set_breakpoint("tbreak arch_call_user if heartbeats > %d" % (beats + 1))
    stop = go()
    check("set var demo_talks = 0; continue: the guest prints no heartbeat",
          other in stop.numbers and number not in stop.numbers, stop)
    do("set var demo_talks = 1")
    do("delete %d" % other if hits(other) is not None else "thread 1")
    stop = go()
    check("set var demo_talks = 1; continue: it does again", number in stop.numbers, stop)
    do("delete")


def write_user():
    number = set_breakpoint("break *user_main")
    stop = go()
    check_stop("break *user_main; continue", stop, at="user_main", by=number)
    before = value("user_counter")
    do("set var user_counter = 7000")
    do("maintenance flush dcache")
    check("set var of user data: read back", value("user_counter") == 7000)
    do("set var user_counter = %d" % before)
    at = address("user_collatz")
    check("x of user code: as in the ELF file", memory(at, 32) == in_file(at, 32))
    do("delete")


def write_over_breakpoint():
    """Bytes written where a breakpoint is planted are what the guest has when it is gone."""
    at = address("list_sum")
    old = memory(at, 8)
    do("set breakpoint always-inserted on")
    number = set_breakpoint("break *list_sum")
    gdb.selected_inferior().write_memory(at, old)
    do("maintenance flush dcache")
    check("write where a breakpoint is planted: read back", memory(at, 8) == old)
    stop = go()
    check_stop("write where a breakpoint is planted: still hit", stop, at="list_sum", by=number)
    do("delete")
    do("set breakpoint always-inserted off")
    check("delete: the guest's bytes are there", memory(at, 8) == old == in_file(at, 8))


def not_there():
    error = refused("x/xg 0x%x" % HOLE)
    check("x where nothing is mapped: an error",
          error is not None and "Cannot access memory at address" in error, error)
    error = refused("x/xw 0x%x" % DEVICE)
    check("x of a device: an error", error is not None and "Cannot access memory" in error, error)
    error = refused("set var *(int *)0x%x = 1" % HOLE)
    check("set var where nothing is mapped: an error",
          error is not None and "Cannot access memory" in error, error)
    error = refused("x/xg 0xfffffffffffffffc")
    check("x over the end of the address space: an error", error is not None, error)
    check("x after all this", memory(address(TEXT), 4) == in_file(address(TEXT), 4))


def memory_theme():
    do("tbreak *worker_round")
    go()
    read_code()
    whole_text()
    strings()
    searched()
    compared()
    physical_memory()
    write()
    not_there()
    write_silences()
    if needs("software breakpoints", "write where a breakpoint is planted"):
        write_over_breakpoint()
    if needs("user software breakpoints", "x and set var of the user program's memory"):
        write_user()


memory_theme.__name__ = "memory"
run(memory_theme)
