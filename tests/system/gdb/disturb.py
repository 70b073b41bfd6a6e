# SPDX-License-Identifier: Apache-2.0
"""Debugs the selftest guest all the time while it runs to its end. PASS says how.

The breakpoints are where the guest works and all around the code it tests itself with. Most of them do
not stop it: gdb looks and lets it go again.
"""
from session import *

AROUND = ["selftest_run", "selftest_begin_line", "selftest_work", "worker_round", "list_insert",
          "checksum", "arch_call_user", "user_main", "user_collatz", "job_run", "console_print"]
SNIPPETS = ["nops", "access", "read", "write", "jump", "undefined", "breakpoints"]


class Passing(gdb.Breakpoint):
    """Counts; stops every so often."""
    every = 0
    seen = 0

    def stop(self):
        Passing.seen += 1
        return Passing.every != 0 and Passing.seen % Passing.every == 0


def end_of(symbol):
    """The last instruction of a function."""
    at = address(symbol)
    while not re.search(r"\sret", do("x/i 0x%x" % at)):
        at += instruction_length(at)
    return at


def around():
    for name in AROUND:
        Passing(name)
    for name in SNIPPETS:
        for where in ("kernel", "user"):
            Passing("*0x%x" % end_of("%s_%s" % (where, name)))


def hardware():
    Passing("worker_round", type=gdb.BP_HARDWARE_BREAKPOINT)
    if able("watchpoints"):
        Passing("total_rounds", type=gdb.BP_WATCHPOINT, wp_class=gdb.WP_WRITE)
    if not IS_X86:  # the guest needs two of the four that there are
        Passing("selftest_round", type=gdb.BP_WATCHPOINT, wp_class=gdb.WP_ACCESS)


def ended():
    return not gdb.selected_inferior().pid


def step_a_little():
    for command in ("stepi", "stepi", "nexti", "stepi 5", "step", "next"):
        go(command)
        if ended():
            return


def disturb():
    do("thbreak *guest_main")  # not mapped yet
    go()
    if PASS == "hardware":
        hardware()
    else:
        around()
    if PASS == "steps":
        Passing.every = 15
    stops = 0
    while not ended():
        go("continue", 150)
        stops += 1
        if not ended() and PASS == "steps":
            step_a_little()
    check("%d breakpoints were passed, %d times gdb stopped" % (Passing.seen, stops),
          Passing.seen > 5 and (stops > 10 or PASS != "steps"))


run(disturb)
