"""How a helper process stands on its own feet: nobody's child, of low priority, gone when it is told so."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

__all__ = ["detach", "stop_on_signals"]

_NICENESS = 10
# of a machine that runs out of memory: this goes first, and loses nothing
_OUT_OF_MEMORY_SCORE = "500"


def detach() -> None:
    """Go on as a process that the host is no parent of, so that it has no end to wait for."""
    if os.fork():
        os._exit(0)
    # what the thread that started it had blocked or ignored is no business of this process
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.nice(_NICENESS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OUT_OF_MEMORY_SCORE, "ascii")


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM or SIGINT sets from now on, instead of ending the process."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped
