# SPDX-License-Identifier: Apache-2.0
"""The self-tests with our breakpoints planted all around, a watchpoint armed and stepping going on.

What the guest itself saw of its own exceptions is compared by the script that runs this. STEPS says how
many instructions are stepped after each stop.
"""
from session import *

STEPS = int(os.environ.get("STEPS", "0"))

# Snippets of the self-tests that do not begin with a breakpoint instruction of the guest's own: where
# one of gdb's stands on such, gdb skips it.
SNIPPETS = (("int3_prefixed", "int_3", "icebp", "nops", "read", "write", "undefined", "divide", "segment",
             "jump", "access") if IS_X86 else
            ("nops", "read", "write", "undefined", "svc", "jump", "access"))


def plant():
    kind = "break" if able("software breakpoints") else "hbreak"
    names = ["worker_round", "checksum", "list_sum"]
    if kind == "hbreak":
        return [set_breakpoint("hbreak *%s" % name) for name in names[:2]]
    numbers = [set_breakpoint("break *%s" % name) for name in names]
    for snippet in SNIPPETS:
        for half in ("kernel", "user"):
            numbers.append(set_breakpoint("break *0x%x" % address("%s_%s" % (half, snippet))))
    return numbers


def until_the_end():
    """Continues until the guest has powered off; how often it was hit, and how many steps that made."""
    hit = steps = 0
    while True:
        go()
        if not gdb.selected_inferior().pid:
            return hit, steps
        hit += 1
        for _ in range(STEPS):
            go("stepi")
            steps += 1


def selftest():
    number = set_breakpoint("thbreak guest_main")
    stop = go()
    check("thbreak guest_main; continue", number in stop.numbers, stop)
    plant()
    if able("watchpoints") and os.environ.get("WATCH"):
        set_breakpoint("watch last_fibonacci")
    hit, steps = until_the_end()
    check("breakpoints all around: hit (%d times, %d steps)" % (hit, steps), hit > 10)


run(selftest)
