# SPDX-License-Identifier: Apache-2.0
"""x, print, set var, find, dump, compare-sections; what is not there is an error."""
from session import *

HOLE = 0xffffa00000000000 if IS_X86 else 0xffff010000000000
DEVICE = 0xffffffffc0000000 if IS_X86 else 0xffff000009000000
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
    write()
    not_there()
    write_silences()
    if needs("software breakpoints", "write where a breakpoint is planted"):
        write_over_breakpoint()
    if needs("user software breakpoints", "x and set var of the user program's memory"):
        write_user()


memory_theme.__name__ = "memory"
run(memory_theme)
