# SPDX-License-Identifier: Apache-2.0
"""stepi, nexti, step, next, finish, until, advance: in the kernel, over breakpoints, in user code."""
from session import *


def at_function(name, command="tbreak"):
    do("%s *%s" % (command, name))
    stop = go()
    check_stop("%s *%s; continue" % (command, name), stop, at=name, by=stop.numbers and stop.numbers[0])
    return stop


def next_of(at):
    return at + instruction_length(at)


def one_on(stop, at):
    """Whether a step from `at` led to the next instruction, or somewhere else by a jump."""
    jumps = re.search(r">:\s+(j|b|cb|tb)", do("x/i 0x%x" % at))
    return stop.pc == next_of(at) or (jumps and stop.pc != at)


def stepi():
    stop = at_function("list_insert")
    thread, at, good = stop.thread, stop.pc, True
    for _ in range(4):
        stop = go("stepi")
        good = good and stop.thread == thread and one_on(stop, at)
        at = stop.pc
    check("stepi, 4 times: one instruction each, on the same vCPU", good, stop)
    count = value("total_rounds")
    check("stepi: the others stand still as well", value("total_rounds") == count)
    before = stop.pc
    stop = go("stepi 3")
    check("stepi 3", stop.pc != before and stop.thread == thread, stop)


def over_breakpoint():
    """Stepping from a breakpoint, onto one, and with one planted just before."""
    do("set scheduler-locking step")
    number = set_breakpoint("break *checksum")
    stop = go()
    at = stop.pc
    first = next_of(at)
    check_stop("break *checksum; continue", stop, at="checksum", by=number)
    stop = go("stepi")
    check("stepi from a breakpoint: one instruction on", stop.pc == first, stop)
    second = next_of(first)
    other = set_breakpoint("break *0x%x" % second)
    stop = go("stepi")
    check("stepi onto a breakpoint: stops there", stop.pc == second, stop)
    third = next_of(second)
    stop = go("stepi")
    check("stepi from it: not held there", stop.pc == third, stop)
    do("delete %d" % other)
    do("set scheduler-locking replay")
    stop = go()
    check("continue: the first breakpoint is hit again", stop.function == "checksum" and
          number in stop.numbers, stop)
    do("delete")


def nexti():
    at_function("worker_round")
    for _ in range(60):
        call = pc()
        text = do("x/i $pc")
        if re.search(r"\s(call|bl)\s.*fibonacci", text):
            break
        go("stepi")
    stop = go("nexti")
    check("nexti over a call", stop.function == "worker_round" and stop.pc == next_of(call), stop)


def lines():
    do("tbreak worker_round")
    first = go()
    stop = go("step")
    depth = 0
    while stop.function == "worker_round" and depth < 6:
        stop = go("step")
        depth += 1
    check("step: into the function that is called", stop.function == "fibonacci", stop)
    stop = go("finish")
    check("finish: back in the caller", stop.function == "worker_round" and
          stop.thread == first.thread, stop)
    line = gdb.selected_frame().find_sal().line
    stop = go("next")
    now = gdb.selected_frame().find_sal().line
    check("next: over calls, another line of the same function",
          stop.function == "worker_round" and now != line and stop.thread == first.thread, stop)
    stop = go("next")
    check("next, again", stop.function == "worker_round", stop)
    do("tbreak list_sum")
    stop = go()
    check_stop("tbreak list_sum; continue", stop, at="list_sum", by=stop.numbers and stop.numbers[0])
    stop = go("finish")
    check("finish: tells the value", value("$") == value("$rax" if IS_X86 else "$x0") and
          stop.function == "worker_round", stop)


def until_and_advance():
    do("tbreak checksum")
    thread = go().thread
    frame = gdb.selected_frame().older().pc()
    stop = go("until *0x%x" % frame)
    check("until LOCATION in the caller", stop.pc == frame and stop.thread == thread, stop)
    do("tbreak checksum")
    go()
    for _ in range(3):
        stop = go("until")
    check("until: no line back, so out of the loop soon",
          stop.function in ("checksum", "worker_round"), stop)
    do("tbreak *worker_round")
    go()
    stop = go("advance lock_release")
    check("advance lock_release", stop.function == "lock_release", stop)


def atomic():
    """An exclusive pair (arm64), a LOCK prefix (x86-64): one step, and the addition is done."""
    stop = at_function("arch_add")
    thread, counter, steps = stop.thread, value("total_additions"), 0
    do("set scheduler-locking step")
    while stop.function == "arch_add" and steps < 30:
        stop = go("stepi")
        steps += 1
    check("stepi through the atomic addition: it gets done, at once",
          stop.function == "worker_round" and stop.thread == thread and steps < 12 and
          value("total_additions") == counter + 1, "%d steps\n%s" % (steps, stop))
    do("set scheduler-locking replay")


def idle():
    """Where the instruction sleeps until the next interrupt. A KVM that emulates the guest (it steps no user
    code) lets the vCPU fall asleep some instructions later instead, and nothing wakes it."""
    if not needs("user steps", "stepi through HLT or WFI and the interrupt after it"):
        return
    stop = at_function("arch_idle")
    thread, steps = stop.thread, 0
    while stop.function == "arch_idle" and steps < 40:
        stop = go("stepi")
        steps += 1
    check("stepi through HLT or WFI and the interrupt after it",
          steps < 40 and stop.thread == thread, "%d steps\n%s" % (steps, stop))


def in_user_code():
    stop = at_function("user_collatz")
    thread, at, good = stop.thread, stop.pc, True
    for _ in range(3):
        stop = go("stepi")
        good = good and stop.thread == thread and one_on(stop, at)
        at = stop.pc
    check("stepi in user code, 3 times", good, stop)
    stop = go("finish")
    check("finish in user code", stop.function == "user_main" and stop.thread == thread, stop)
    stop = go("next")
    check("next in user code", stop.function == "user_main", stop)
    through_system_call()


def through_system_call():
    """Into the kernel or to the instruction after it; and the guest finds its way."""
    stop = at_function("user_call")
    thread, steps = stop.thread, 0
    while stop.function == "user_call" and steps < 8:
        stop = go("stepi")
        steps += 1
    check("stepi through a system call", steps < 8 and stop.thread == thread, stop)
    do("tbreak heartbeat")
    stop = go()
    check("continue after it: the guest goes on", stop.function == "heartbeat", stop)


def one_at_a_time():
    do("set scheduler-locking on")
    do("tbreak *worker_round")
    do("set scheduler-locking off")
    stop = go()
    others = {thread.num: None for thread in threads() if thread.num != stop.thread}

    def positions():
        result = {}
        for thread in threads():
            thread.switch()
            result[thread.num] = pc()
        threads()[stop.thread - 1].switch()
        return result

    do("set scheduler-locking on")
    before = positions()
    for _ in range(5):
        go("stepi")
    after = positions()
    check("set scheduler-locking on; stepi, 5 times: only this vCPU moves",
          before[stop.thread] != after[stop.thread] and
          all(before[num] == after[num] for num in others), "%s\n%s" % (before, after))
    do("set scheduler-locking replay")


def with_breakpoints_elsewhere():
    """A long run of steps while the other vCPUs run into breakpoints of their own."""
    do("tbreak *fibonacci")
    stop = go()
    do("set scheduler-locking off")
    good = True
    for _ in range(30):
        stop = go("stepi")
        good = good and stop.signal in (None, "SIGTRAP")
    check("stepi, 30 times, all vCPUs let go each time", good, stop)
    do("set scheduler-locking replay")


def steps():
    stepi()
    over_breakpoint()
    nexti()
    lines()
    until_and_advance()
    atomic()
    idle()
    one_at_a_time()
    with_breakpoints_elsewhere()
    if needs("user steps", "stepi in user code", "finish in user code", "next in user code",
             "stepi through a system call"):
        in_user_code()


run(steps)
