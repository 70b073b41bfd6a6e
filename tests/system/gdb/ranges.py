# SPDX-License-Identifier: Apache-2.0
"""next over a line that loops: one packet for all its instructions, or one for each."""
import counter
from counter import resumes
from session import *


def over_the_loop():
    """From the line that loops; how often gdb let the guest go, and where it came to."""
    do("tbreak *long_line")
    go()
    do("set scheduler-locking step")
    while "while" not in do("frame"):
        go("next")
    before = resumes()
    stop = go("next", 120)  # an emulated machine that is busy takes its time over a thousand steps
    said = do("frame")
    do("set scheduler-locking replay")
    return resumes() - before, stop, said


def ranges():
    count, stop, said = over_the_loop()
    check("next over a line of hundreds of instructions: at the line behind it",
          stop.function == "long_line" and "return" in said, said)
    check("... in a few packets", count <= 12, count)
    do("set range-stepping off")
    many, stop, said = over_the_loop()
    check("set range-stepping off; next: the same in hundreds", many > 200 and "return" in said, (many, said))
    do("set range-stepping on")


counter.start()
run(ranges)
counter.stop()
