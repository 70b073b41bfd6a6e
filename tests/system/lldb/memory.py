# SPDX-License-Identifier: Apache-2.0
"""memory read, memory write, memory region; what is not mapped."""
from session import *


def read():
    at = address("worker_round")
    said = do("memory read --size 1 --format x --count 16 0x%x" % at)
    got = bytes(int(byte, 16) for byte in re.findall(r"\b0x([0-9a-f]{2})\b", said.replace(":", ": ")))
    check("memory read of the guest's code: as in its file", got[-16:] == in_file(at, 16), said)
    check("the same, much of it", memory(at, 2048) == in_file(at, 2048))


def write():
    at = address("kernel_stacks") + 64
    special = bytes(range(256)) + b"}#$*}]\x03"
    error = lldb.SBError()
    before = memory(at, len(special))
    wrote = process().WriteMemory(at, special, error)
    check("memory written with every byte there is, and read back", wrote == len(special) and
          memory(at, len(special)) == special, error)
    do("memory write --size 8 0x%x 0x1122334455667788" % at)
    check("memory write --size 8", memory(at, 8) == bytes.fromhex("8877665544332211"), memory(at, 8))
    process().WriteMemory(at, before, error)
    do("expression -- demo_talks = 1")
    check("expression: an assignment to the guest's variable", value("demo_talks") == 1)


def not_mapped():
    at = 0x123456000
    error = refused("memory read 0x%x" % at)
    check("memory read where nothing is mapped: an error", error is not None and "fail" in error, error)
    error = refused("memory write 0x%x 1" % at)
    check("memory write there: an error", error is not None, error)


def region(at):
    info = lldb.SBMemoryRegionInfo()
    error = process().GetMemoryRegionInfo(at, info)
    if not error.Success():
        raise Failed(str(error))
    rights = "".join(letter for letter, has in (("r", info.IsReadable()), ("w", info.IsWritable()),
                                                ("x", info.IsExecutable())) if has)
    return info.GetRegionBase(), info.GetRegionEnd(), rights


def regions():
    pc = frame().GetPC()
    said = do("memory region 0x%x" % pc)
    check("memory region: where pc is, executable", re.search(r"r.x", said) is not None, said)
    base, end, rights = region(address("total_rounds"))
    check("memory region: where a variable is, writable", "rw" in rights and base <= address("total_rounds") < end,
          (hex(base), hex(end), rights))
    base, end, rights = region(0x123456000)
    check("memory region: where nothing is mapped, no rights", rights == "", rights)
    at, count, mapped, begin = 0, 0, 0, time.monotonic()
    while at != MASK and count < 2000:
        base, end, rights = region(at)
        if base > at or end <= at:
            break
        mapped += bool(rights)
        at, count = end, count + 1
    check("memory region, one after the other from 0: to the very end, soon",
          at == MASK and mapped > 0 and time.monotonic() - begin < 20,
          "%d regions, %d mapped, as far as %#x" % (count, mapped, at))


def memory_theme():
    set_breakpoint("breakpoint set -o true -n worker_round")
    go()
    read()
    write()
    not_mapped()
    regions()


memory_theme.__name__ = "memory"
run(memory_theme)
