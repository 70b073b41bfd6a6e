# SPDX-License-Identifier: Apache-2.0
"""watchpoint set: lldb must know when the access has been done, and whose watchpoint it was."""
from session import *


def written():
    number = set_breakpoint("watchpoint set variable total_rounds")
    before = value("total_rounds")
    stop = go()
    check("watchpoint set variable total_rounds; continue: reason watchpoint",
          stop.is_by(number) and stop.function == "worker_round", stop)
    check("the new value is there", value("total_rounds") == before + 1,
          "%d, %d" % (before, value("total_rounds")))
    check("lldb shows the old and the new value", "old value: %d" % before in stop.said or
          "new value: %d" % (before + 1) in stop.said or "watchpoint %d" % number in stop.said, stop)
    stop = go()
    check("continue: the next write, not the same again", stop.is_by(number) and
          value("total_rounds") == before + 2, stop)
    delete()


def by_expression():
    number = set_breakpoint("watchpoint set expression -w write -s 8 -- &last_fibonacci")
    stop = go()
    check("watchpoint set expression -w write: in worker_round",
          stop.is_by(number) and stop.function == "worker_round", stop)
    delete()


def watchpoints():
    if needs("watchpoints", "watchpoint set variable", "watchpoint set expression"):
        written()
        by_expression()


run(watchpoints)
