# SPDX-License-Identifier: Apache-2.0
"""non_stop.py THEME GDB...: one session of that gdb in non-stop mode with a guest of two vCPUs or more.

Every check is a line of TAP in the file that TAP_FILE names. What it runs on is in the environment, see
stage.sh. Lines on standard output are for the script that starts this one.
"""
import os
import sys
import time
import traceback

from mi import Mi, MiError

ARCH = os.environ["STAGE_ARCH"]
TARGET = os.environ["STAGE_TARGET"]
VCPUS = int(os.environ["STAGE_VCPUS"])
ABILITIES = dict(line.split("=") for line in os.environ["STAGE_ABILITIES"].split())
ROUNDS = 20

_tap = open(os.environ["TAP_FILE"], "a", buffering=1)


def check(name, condition, detail=""):
    _tap.write("%s - %s\n" % ("ok" if condition else "not ok", name))
    if not condition:
        for line in str(detail).splitlines():
            _tap.write("#   %s\n" % line)


# ---- means ---------------------------------------------------------------------------------


def open_gdb(how="remote"):
    gdb = Mi(sys.argv[2:], open(os.environ["MI_LOG"], "a", buffering=1))
    for setting in ("pagination off", "confirm off", "width 0", "non-stop on", "mi-async on", "remotetimeout 30",
                    "tcp connect-timeout 30", "auto-connect-native-target off"):
        gdb.ask("-gdb-set " + setting)
    gdb.ask("-target-select %s %s" % (how, TARGET))
    gdb.listen(0.5)  # it halts a thread to look at it, and takes the next stop, whosever it is, for that one's
    if ABILITIES.get("brk-exits", ABILITIES.get("int3-exits")) != "yes":
        # In memory that is not writable gdb makes all its breakpoints hardware breakpoints.
        gdb.console("set mem inaccessible-by-default off")
        gdb.console("mem 0x10000000 0x10001000 ro")
        if ARCH == "x86_64":
            gdb.console("mem 0xffffffff80200000 0xffffffff80203000 ro")
    return gdb


def rounds(gdb, vcpu):
    return gdb.value("workers[%d].nr_rounds" % vcpu)


def grows(look, seconds=20):
    """Whether a number becomes larger, soon."""
    before, end = look(), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        if look() > before:
            return True
    return False


def stands(look, gdb, seconds=0.5):
    before = look()
    gdb.listen(seconds)
    return look() == before


def running(gdb):
    """Numbers of the threads that run."""
    return [number for number, state in gdb.threads().items() if state == "running"]


def insert(gdb, where):
    return gdb.ask("-break-insert " + where)["bkpt"]["number"]


def hit(stop, number):
    return stop.get("reason") == "breakpoint-hit" and stop.get("bkptno") == number


def interrupt_all(gdb):
    """Every thread stopped, each heard of."""
    missing = running(gdb)
    gdb.ask("-exec-interrupt --all")
    for thread in missing:
        gdb.stop(thread)


EVERYONE = list(range(1, VCPUS + 1))
OTHERS = EVERYONE[1:]


# ---- one gdb -------------------------------------------------------------------------------


def connecting(gdb):
    check("target remote: the guest's threads run on", running(gdb) == EVERYONE, gdb.threads())
    check("print total_rounds, while all run: it grows", grows(lambda: gdb.value("total_rounds")))
    check("... and no thread has stopped", not gdb.stopped() and running(gdb) == EVERYONE, gdb.stops)


def stopping_all(gdb):
    gdb.ask("-exec-interrupt --all")
    stops = [gdb.stop(thread) for thread in EVERYONE]
    check("interrupt -a: a stop for each thread", len(stops) == VCPUS and not gdb.stops, stops)
    check("... all stopped", not running(gdb), gdb.threads())
    check("... and the guest stands", stands(lambda: gdb.value("total_rounds"), gdb))


def one_hits(gdb):
    """The others stay where they are, and hear nothing of it."""
    before = [rounds(gdb, 1), gdb.threads()[2]]
    number = insert(gdb, "-t *worker_round")
    gdb.ask("-exec-continue --thread 1")
    stop = gdb.stop(1)
    check("tbreak *worker_round; continue: thread 1 stops there", hit(stop, number), stop)
    check("... the others have stood meanwhile",
          not gdb.stops and [rounds(gdb, 1), gdb.threads()[2]] == before, gdb.stops)


def over_and_over(gdb):
    """One thread over its breakpoint, again and again, while the other runs through it."""
    number = insert(gdb, '-c "worker == &workers[0]" *worker_round')
    for thread in OTHERS:
        gdb.ask("-exec-continue --thread %d" % thread)
    others = rounds(gdb, 1)
    own, stops = rounds(gdb, 0), []
    for _ in range(ROUNDS):
        gdb.ask("-exec-continue --thread 1")
        stops.append(gdb.stop(1))
    check("break ... if; continue, %d times: thread 1 stops at each" % ROUNDS,
          all(hit(stop, number) for stop in stops), stops)
    check("... having done one round each time", rounds(gdb, 0) == own + ROUNDS, (own, rounds(gdb, 0)))
    check("... the other runs", running(gdb) == OTHERS and not gdb.stops, gdb.stops)
    check("... goes on", grows(lambda: rounds(gdb, 1)) and rounds(gdb, 1) > others, others)
    gdb.ask("-break-delete " + number)


def of_one_thread(gdb):
    """gdb itself sends the other thread on when it hits a breakpoint that is for thread 1."""
    number = insert(gdb, "-p 1 *worker_round")
    stops, others = [], rounds(gdb, 1)
    for _ in range(5):
        gdb.ask("-exec-continue --thread 1")
        stops.append(gdb.stop(1))
    check("break ... thread 1; continue, 5 times", all(hit(stop, number) for stop in stops), stops)
    check("... the other goes through it", grows(lambda: rounds(gdb, 1)) and rounds(gdb, 1) > others, others)
    check("... and was never told to have stopped", not gdb.stops, gdb.stops)
    gdb.ask("-break-delete " + number)


def stepping(gdb):
    """Thread 1 is at the first instruction of worker_round()."""
    before, others = gdb.value("$pc", 1), rounds(gdb, 1)
    for _ in range(3):
        gdb.ask("-exec-step-instruction --thread 1")
        stop = gdb.stop(1)
    check("stepi, 3 times: thread 1", stop.get("reason") == "end-stepping-range" and gdb.value("$pc", 1) > before, stop)
    lines = []
    for _ in range(3):
        gdb.ask("-exec-next --thread 1")
        stop = gdb.stop(1)
        lines.append(stop["frame"].get("line"))
    check("next, 3 times: thread 1, to other lines of worker_round",
          len(set(lines)) == 3 and stop["frame"].get("func") == "worker_round", (lines, stop))
    gdb.ask("-exec-step --thread 1")
    stop = gdb.stop(1)
    check("step: thread 1, to a function's first line", stop.get("reason") == "end-stepping-range", stop)
    if stop["frame"].get("func") != "worker_round":
        gdb.ask("-exec-finish --thread 1")
        stop = gdb.stop(1)
        check("finish: thread 1, back in worker_round",
              stop.get("reason") == "function-finished" and stop["frame"].get("func") == "worker_round", stop)
    check("... the other runs through all of it",
          running(gdb) == OTHERS and not gdb.stops and grows(lambda: rounds(gdb, 1)), (gdb.stops, others))


def stopping_one(gdb):
    gdb.ask("-exec-interrupt --thread 2")
    stop = gdb.stop(2)
    check("interrupt, thread 2: it stops, with no signal", stop.get("signal-name") in ("0", None), stop)
    check("... and no other", not gdb.stops and not set(running(gdb)) & {1, 2}, gdb.threads())
    before = gdb.value("$pc", 1), rounds(gdb, 0)
    gdb.ask("-exec-step-instruction --thread 2")
    gdb.stop(2)
    check("stepi, thread 2: thread 1 stands", (gdb.value("$pc", 1), rounds(gdb, 0)) == before, before)
    gdb.ask("-exec-continue --thread 2")
    check("continue, thread 2: it runs again", 2 in running(gdb) and grows(lambda: rounds(gdb, 1)), gdb.threads())


def all_hit(gdb):
    """Several stops at about one time: all are told, one by one."""
    number = insert(gdb, "*worker_round")
    gdb.ask("-exec-continue --thread 1")
    stops = [gdb.stop(thread) for thread in EVERYONE]
    check("break *worker_round; continue: each thread stops there", all(hit(stop, number) for stop in stops), stops)
    for _ in range(5):
        gdb.ask("-exec-continue --all")
        stops = [gdb.stop(thread) for thread in EVERYONE]
        if not all(hit(stop, number) for stop in stops):
            break
    check("continue -a, 5 times: each thread again", all(hit(stop, number) for stop in stops), stops)
    gdb.ask("-break-delete " + number)


def leaving(gdb):
    gdb.ask("-exec-continue --all")
    check("delete; continue -a: all run", running(gdb) == EVERYONE, gdb.threads())
    check("... the guest goes on", grows(lambda: gdb.value("total_rounds")))
    insert(gdb, "*worker_round")
    gdb.stop(2)
    gdb.ask("-target-detach")
    check("detach, with a breakpoint set and a thread stopped at it", True)


def session():
    gdb = open_gdb()
    try:
        for part in (connecting, stopping_all, one_hits, over_and_over, of_one_thread, stepping, stopping_one,
                     all_hit, leaving):
            part(gdb)
    finally:
        gdb.close()


# ---- two gdbs ------------------------------------------------------------------------------


def meeting(one, other):
    """gdb stops a thread for a moment when it connects, which the first one is told, too."""
    one.listen(0.5)
    one.stops.clear()
    if running(one) != EVERYONE:
        one.ask("-exec-continue --all")
    check("another gdb: all run, for both", running(one) == running(other) == EVERYONE)
    one.ask("-exec-interrupt --all")
    stops = [gdb.stop(thread) for gdb in (one, other) for thread in EVERYONE]
    check("interrupt -a, by one: both are told of each thread", not running(one) and not running(other), stops)


def sharing(one, other):
    """A breakpoint each, at one place. Who takes all for stopped hears nothing of what the other does."""
    theirs = [insert(gdb, '-c "worker == &workers[%d]" *worker_round' % vcpu)
              for vcpu, gdb in enumerate((one, other))]
    for gdb, vcpu in ((other, 1), (one, 0)):
        for _ in range(5):
            gdb.ask("-exec-continue --thread %d" % (vcpu + 1))
            stop = gdb.stop(vcpu + 1)
        check("break ... if, by both; continue, thread %d, 5 times, by one of them" % (vcpu + 1),
              hit(stop, theirs[vcpu]), stop)
    check("... each has heard of its own only", not one.stops and not other.stops, (one.stops, other.stops))
    one.ask("-break-delete " + theirs[0])
    before = rounds(one, 1)
    other.ask("-exec-continue --thread 2")
    stop = other.stop(2)
    check("delete, by one: the other's is still there", hit(stop, theirs[1]) and rounds(other, 1) == before + 1, stop)


def two():
    one, other = open_gdb(), open_gdb()
    try:
        meeting(one, other)
        sharing(one, other)
        one.ask("-exec-continue --all")
        one.listen(0.5)
        one.kill()
        other.listen(0.5)
        other.ask("-break-delete")
        other.ask("-exec-continue --all")
        check("kill -9 of one: the other lets all go", running(other) == EVERYONE, other.threads())
        check("... the guest goes on", grows(lambda: rounds(other, 0)) and grows(lambda: rounds(other, 1)))
        other.ask("-target-detach")
    finally:
        one.close()
        other.close()


# ---- from the common address ---------------------------------------------------------------


def lobby():
    gdb = open_gdb("extended-remote")
    try:
        check("target extended-remote: attached to nothing", not gdb.threads(), gdb.threads())
        said = gdb.console("info os processes")
        number = next(line.split()[0] for line in said.splitlines() if " vm " in line)
        gdb.ask("-target-attach " + number)
        for thread in EVERYONE:
            gdb.stop(thread)
        check("attach: every thread stops", not running(gdb) and sorted(gdb.threads()) == EVERYONE, gdb.threads())
        stop = None
        wanted = insert(gdb, "-t *worker_round")
        gdb.ask("-exec-continue --thread 1")
        stop = gdb.stop(1)
        check("tbreak *worker_round; continue: thread 1", hit(stop, wanted), stop)
        gdb.ask("-exec-continue --all")
        check("continue -a: the guest goes on", grows(lambda: gdb.value("total_rounds")))
        gdb.ask("-target-detach " + number)
        check("detach: back, attached to nothing", not gdb.threads(), gdb.threads())
        check("... and both is told again", " vm " in gdb.console("info os processes"))
    finally:
        gdb.close()


# ---- in the middle -------------------------------------------------------------------------


def doomed():
    """Busy at two breakpoints, one thread stopped and the other on its way, when SIGKILL comes."""
    gdb = open_gdb()
    interrupt_all(gdb)
    for where in ("*worker_round", "*checksum"):
        insert(gdb, where)
    gdb.ask("-exec-continue --all")
    end = time.monotonic() + float(os.environ["SECONDS_TO_LIVE"])
    while time.monotonic() < end:
        for thread in gdb.stopped():
            gdb.stop(thread)
            gdb.ask("-exec-continue --thread %d" % thread)
        gdb.hear(0.1)
    gdb.kill()
    check("gdb killed in the middle", True)


def main():
    theme = {"session": session, "two": two, "lobby": lobby, "doomed": doomed}[sys.argv[1]]
    try:
        theme()
        check("%s: to its end" % sys.argv[1], True)
    except (MiError, KeyError, IndexError, StopIteration, OSError):
        check("%s: to its end" % sys.argv[1], False, traceback.format_exc())
    _tap.close()


main()
