# SPDX-License-Identifier: Apache-2.0
"""break, tbreak, hbreak: on every vCPU, in the kernel, in user code, in the timer's handler."""
from session import *

BREAK = "software breakpoints"


def every_vcpu(command):
    number = set_breakpoint(command)
    stop = go()
    check_stop("%s; continue" % command, stop, at=command.split()[-1], by=number)
    seen = on_each_vcpu(number)
    check("%s: hit on each of %d vCPUs" % (command, VCPUS), len(seen) == VCPUS, seen)
    do("delete")


def hidden():
    do("set breakpoint always-inserted on")
    number = set_breakpoint("break *worker_round")
    at = address("worker_round")
    check("x/16xb at a planted breakpoint shows the guest's own bytes",
          memory(at, 16) == in_file(at, 16), memory(at, 16).hex())
    go()
    check("x/16xb at the breakpoint just hit shows the guest's own bytes",
          memory(at, 16) == in_file(at, 16), memory(at, 16).hex())
    check("x/2i at it disassembles the guest's own code",
          "bkpt" not in do("x/2i $pc") and "int3" not in do("x/2i $pc"))
    do("delete %d" % number)
    do("set breakpoint always-inserted off")


def temporary(command):
    number = set_breakpoint(command + " checksum")
    stop = go()
    check_stop("%s checksum; continue" % command, stop, at="checksum", by=number)
    check("%s: gone after its hit" % command, hits(number) is None)


def conditional():
    last = VCPUS - 1
    number = set_breakpoint("break list_insert if worker->cpu == %d" % last)
    good = True
    for _ in range(3):
        stop = go()
        good = good and number in stop.numbers and stop.thread == last + 1
    check("break list_insert if worker->cpu == %d: three times on that vCPU only" % last, good, stop)
    do("delete")
    number = set_breakpoint("break list_insert if worker->nr_nodes == 3")
    good = True
    for _ in range(3):
        stop = go()
        good = good and number in stop.numbers and value("worker->nr_nodes") == 3
    check("break list_insert if worker->nr_nodes == 3: true each time", good, stop)
    do("delete")


def counted():
    number = set_breakpoint("break worker_round")
    do("ignore %d 7" % number)
    stop = go()
    check("ignore N 7: stops at the eighth hit", number in stop.numbers and hits(number) == 8,
          "%s hits\n%s" % (hits(number), stop))
    do("delete")

    class Counting(gdb.Breakpoint):
        """Stops the thirtieth time; gdb asks it each time, as it does for a condition."""
        seen = 0

        def stop(self):
            Counting.seen += 1
            return Counting.seen == 30

    counting = Counting("fibonacci")
    number = set_breakpoint("tbreak fibonacci if n > 100")
    stop = go()
    check("break with a condition that is false 29 times and then true",
          Counting.seen == 30 and counting.number in stop.numbers, "%d\n%s" % (Counting.seen, stop))
    check("tbreak with a condition that was never true is still there", hits(number) == 0)
    do("delete")


def of_one_thread():
    number = set_breakpoint("break worker_round thread %d" % VCPUS)
    stops = [go() for _ in range(4)]
    check("break worker_round thread %d: stops that vCPU only" % VCPUS,
          all(number in stop.numbers and stop.thread == VCPUS for stop in stops), stops[-1])
    do("delete")


def many():
    wanted = ["worker_round", "fibonacci", "list_insert", "list_sum", "checksum", "arch_copy",
              "lock_acquire", "arch_idle"]
    numbers = {set_breakpoint("break " + name): name for name in wanted}
    wrong = []
    for _ in range(len(wanted) * 25 * VCPUS):
        stop = go()
        if not stop.numbers or numbers[stop.numbers[0]] != stop.function:
            wrong.append(str(stop))
        if all(hits(number) for number in numbers):
            break
    check("break at %d functions: each hit, each at its place" % len(wanted),
          not wrong and all(hits(number) for number in numbers),
          wrong or {name: hits(number) for number, name in numbers.items()})
    do("disable")
    stop = stop_now()
    check("disable; continue: none is hit any more", stop.signal == "SIGINT", stop)
    do("delete")


def in_handler(command):
    number = set_breakpoint(command + " timer_tick")
    stop = go()
    check_stop("%s timer_tick; continue: in the interrupt handler" % command, stop, at="timer_tick",
               by=number)
    do("delete")


def in_user_code(command):
    number = set_breakpoint(command + " user_collatz")
    stop = go()
    check_stop("%s user_collatz; continue: in user code" % command, stop, at="user_collatz", by=number)
    check("info threads says so", "in user mode" in do("info threads").split("*")[1].splitlines()[0])
    check("backtrace in user code", "user_main" in do("backtrace"))
    seen = on_each_vcpu(number)
    check("%s user_collatz: hit on each of %d vCPUs" % (command, VCPUS), len(seen) == VCPUS, seen)
    do("delete")


def hardware():
    every_vcpu("hbreak worker_loop")
    temporary("thbreak")
    in_handler("hbreak")
    if needs("user hardware breakpoints", "hbreak user_collatz: on each vCPU"):
        in_user_code("hbreak")
    number = set_breakpoint("hbreak *worker_round+4" if not IS_X86 else "hbreak *worker_round+10")
    stop = go()
    check_stop("hbreak *ADDRESS in the middle of a function", stop, at="worker_round", by=number)
    do("delete")
    exhausted()


def exhausted():
    for offset in range(0, 17):
        do("hbreak *0x%x" % (address("list_sum") + 4 * offset))
    error = refused("continue")
    check("hbreak, more than there are: continue says so",
          error is not None and ("hardware breakpoint" in error or "aborted" in error), error)
    do("delete")
    number = set_breakpoint("hbreak list_sum")
    check_stop("hbreak after that works", go(), at="list_sum", by=number)
    do("delete")


def breakpoints():
    if needs(BREAK, "break worker_round; continue", "break: hit on each vCPU",
             "x/16xb hides planted breakpoints", "break at many functions"):
        every_vcpu("break worker_round")
        hidden()
        many()
    if needs("user software breakpoints", "break user_collatz: on each vCPU"):
        in_user_code("break")
    temporary("tbreak")
    conditional()
    counted()
    of_one_thread()
    in_handler("break")
    if needs("hardware breakpoints", "hbreak"):
        hardware()


run(breakpoints)
