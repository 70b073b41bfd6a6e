# SPDX-License-Identifier: Apache-2.0
"""A session that never ends by itself: breakpoints, stepping, running and stopping, until somebody kills gdb.

It says on standard output when it has begun. SEED chooses the order.
"""
import random

from session import *

KINDS = ("break", "break", "hbreak") if able("software breakpoints") else ("hbreak",)
PLACES = ("worker_round", "fibonacci", "checksum", "timer_tick", "list_insert")


def one_round(chance):
    do("delete")
    for place in chance.sample(PLACES, 2):
        set_breakpoint("%s *%s" % (chance.choice(KINDS), place))
    for _ in range(chance.randrange(1, 4)):
        go()
        for _ in range(chance.randrange(4)):
            go("stepi")
    if chance.random() < 0.3:
        do("delete")
        stop_now(0.1)


def doomed():
    chance = random.Random(int(os.environ["SEED"]))
    print("doomed: at work", flush=True)
    while True:
        try:
            one_round(chance)
        except KeyboardInterrupt:  # a Ctrl-C of stop_now() that came when gdb was not waiting any more
            pass


run(doomed)
