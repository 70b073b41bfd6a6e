# SPDX-License-Identifier: Apache-2.0
"""break ... if, dprintf: what is evaluated in the guest's place, without a word to gdb."""
import counter
from counter import resumes
from session import *

HOLE = 0xffffa00000000000 if IS_X86 else 0xffff010000000000


def is_enabled(packet):
    return "currently enabled" in do("show remote %s-packet" % packet)


def evaluated_there():
    number = set_breakpoint("break list_insert if worker->nr_nodes == 3")
    before = resumes()
    stop = go()
    check("break list_insert if worker->nr_nodes == 3; continue: true when it stops",
          number in stop.numbers and value("worker->nr_nodes") == 3, stop)
    check("... and no stop before that", resumes() == before + 1, resumes() - before)
    check("info breakpoints: the condition is the target's",
          "(target evals)" in do("info breakpoints") and is_enabled("conditional-breakpoints"))
    check("the hit is counted, hits with a false condition are not", hits(number) == 1)
    do("condition %d worker->nr_nodes == 5" % number)
    stop = go()
    check("condition N: another one takes its place", value("worker->nr_nodes") == 5, stop)
    do("condition %d" % number)
    seen = set()
    for _ in range(5):
        stop = go()
        seen.add(value("worker->nr_nodes"))
    check("condition N without an expression: stops always", number in stop.numbers and len(seen) > 1, seen)
    do("delete")


def on_one_vcpu():
    last = VCPUS - 1
    number = set_breakpoint("break list_insert if worker->cpu == %d" % last)
    before = resumes()
    stops = [go() for _ in range(3)]
    check("break list_insert if worker->cpu == %d: three times on that vCPU, in three resumes" % last,
          all(number in stop.numbers and stop.thread == last + 1 for stop in stops) and
          resumes() - before <= 6, "%d\n%s" % (resumes() - before, stops[-1]))
    do("delete")


def never_true():
    """A breakpoint in the middle of the guest's work; everything else goes on."""
    never = set_breakpoint("break worker_round if worker->nr_rounds > 0xffffffffffff")
    rounds, before = value("total_rounds"), resumes()
    stop = stop_now(2 if KIND == "host" else 15)
    check("break with a condition that is never true; continue; Ctrl-C: %d rounds of work, one resume"
          % (value("total_rounds") - rounds),
          value("total_rounds") > rounds + 5 and resumes() == before + 1 and not stop.numbers, stop)
    other = set_breakpoint("tbreak list_sum if worker->nr_nodes == 7")
    stop = go()
    check_stop("another breakpoint meanwhile", stop, at="list_sum", by=other)
    for i in range(3):
        stop = go("next")
        check("next with it in place (%d): no stop by it" % i, never not in stop.numbers, stop)
    check("its hits are not counted", hits(never) == 0)
    do("delete")


def several():
    """Two at one place: the target stops for either. (gdb takes both for true then.)"""
    set_breakpoint("break list_insert if worker->nr_nodes == 4")
    set_breakpoint("break list_insert if worker->nr_nodes == 6")
    before = resumes()
    seen = set()
    for _ in range(20):
        if len(seen) < 2:
            go()
            seen.add(value("worker->nr_nodes"))
    check("two breakpoints at one place: stops where one of their conditions is true",
          seen == {4, 6}, (seen, resumes() - before))
    do("delete")


def failing():
    number = set_breakpoint("break list_insert if *(int *)0x%x == 1" % HOLE)
    stop = go()
    check("a condition that cannot be evaluated stops the guest, and gdb is told why",
          stop.function == "list_insert" and "condition of the breakpoint" in stop.said and
          "memory that is not there" in stop.said, stop)
    do("delete %d" % number)
    number = set_breakpoint("break list_insert if 10 / (worker->cpu - worker->cpu) == 1")
    stop = go()
    check("division by zero in a condition", stop.function == "list_insert" and
          "division by zero" in stop.said, stop)
    do("delete %d" % number)


def ignored():
    """gdb counts; the target tells it of those that are true only."""
    number = set_breakpoint("break list_insert if worker->cpu == 0")
    do("ignore %d 3" % number)
    before = resumes()
    stop = go()
    check("ignore N 3 with a condition: stops at the fourth that is true",
          number in stop.numbers and hits(number) == 4 and stop.thread == 1, stop)
    check("... after at most three resumes for each", resumes() - before <= 12, resumes() - before)
    do("delete")


def until(place, command):
    """A dprintf, and where the guest stops after it has printed: what it said, and in how many resumes."""
    do(command)
    number = set_breakpoint("tbreak " + place)
    before = resumes()
    stop = go()
    do("delete")
    return stop.said, resumes() - before, number in stop.numbers


def printed():
    said, resumed, ended = until(
        "worker_round if worker->cpu == %d && worker->nr_rounds > %d"
        % (value("worker->cpu"), value("worker->nr_rounds") + 12),
        'dprintf list_sum,"cpu %u has %u nodes, %#lx%%\\n",worker->cpu,worker->nr_nodes,worker')
    lines = re.findall(r"^cpu (\d+) has (\d+) nodes, 0x[0-9a-f]+%$", said, re.M)
    check("dprintf in style agent: %d lines in one resume" % len(lines),
          ended and len(lines) > 8 and resumed == 1, "%s\n%s" % (said, resumed))
    check("dprintf: what it prints is so",
          all(int(cpu) < VCPUS and 0 < int(nodes) <= 16 for cpu, nodes in lines), said)
    check("show remote breakpoint-commands-packet: enabled", is_enabled("breakpoint-commands"))


def strings():
    said, resumed, ended = until(
        "arch_idle if heartbeats > %d" % (value("heartbeats") + 1),
        'dprintf console_print,"[%s] [%.9s]\\n",format,format')
    check("dprintf with a string of the guest's",
          ended and "[heartbeat %lu: %u vCPUs, %lu rounds of work, checksum %#x] [heartbeat]\n" in said
          and resumed == 1, "%s\n%s" % (said, resumed))


def conditions():
    do("set breakpoint condition-evaluation target")
    do("set dprintf-style agent")
    do("tbreak worker_round")
    go()
    evaluated_there()
    on_one_vcpu()
    never_true()
    several()
    failing()
    ignored()
    printed()
    strings()


counter.start()
run(conditions)
counter.stop()
