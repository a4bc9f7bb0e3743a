"""The shipper that runs by itself: the helper process, or the thread, of whoever writes the journal."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from examsgraph_callbacks.background.detaching import stop_on_signals
from examsgraph_callbacks.background.locks import FOLDER, follow_lock, is_written, sole_follower
from examsgraph_callbacks.defaults import absolute, default_tracking_uri
from examsgraph_callbacks.deliver.checkpoint import CheckpointFile
from examsgraph_callbacks.deliver.destination import without_credentials
from examsgraph_callbacks.deliver.follow import follow
from examsgraph_callbacks.deliver.shipper import note_failure
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal

__all__ = ["follow_in_a_helper", "follow_in_a_thread", "follow_while_it_is_written"]

_TRIES = 5
_TRY_AGAIN_SECONDS = 0.05
_LOOK_AGAIN_SECONDS = 1.0


def follow_in_a_helper(journal: Path) -> None:
    """Ship `journal` in this process, until nobody writes it any more or a signal says so."""
    stopped = stop_on_signals()
    follow_while_it_is_written(journal, stopped.wait)


def follow_in_a_thread(journal: Path) -> None:
    """Ship `journal` in this thread, until the process ends."""
    ended = threading.Event()
    process = os.getpid()
    # in a forked child this thread is not: the child's own first fact starts another
    _follow(journal, ended.wait, lambda: os.getpid() != process)


def follow_while_it_is_written(journal: Path, wait: Callable[[float], bool]) -> None:
    """Ship `journal` as long as a process writes to it, if no other process does, and what is left after.

    What MLflow does not take when the last writer is gone is left to the next process. `wait(seconds)`
    pauses, and says whether to stop (see `follow`).
    """
    while _follow(journal, wait, lambda: not _is_written(journal)):
        # one that began to write while the lock was held has left it to this process
        if wait(0) or not _is_written(journal):
            return


def _follow(journal: Path, wait: Callable[[float], bool], is_over: Callable[[], bool]) -> bool:
    """Follow where nobody else does; False, and nothing done, where somebody does."""
    uri = absolute(default_tracking_uri(journal))
    lock = follow_lock(journal, uri)
    if not journal.is_dir():
        return False
    (journal / FOLDER).mkdir(exist_ok=True)
    for _ in range(_TRIES):
        with sole_follower(lock) as alone:
            if alone:
                _follow_in_spite_of_all(Journal(journal), uri, wait, is_over)
                return True
        time.sleep(_TRY_AGAIN_SECONDS)  # it may only have been looked at
    return False


def _follow_in_spite_of_all(
    journal: Journal, uri: str, wait: Callable[[float], bool], is_over: Callable[[], bool]
) -> None:
    """Follow, and stay where it is until the end when that is of no use: the next one would fail as well."""
    try:
        follow(journal, uri, wait=wait, is_over=is_over, on_failure=_report)
    except Exception as error:  # noqa: BLE001 - a URI that holds no traces, or what nobody has thought of
        _report(error)
        note_failure(CheckpointFile(journal.path, uri, without_credentials(uri)), error)
        while not is_over() and not wait(_LOOK_AGAIN_SECONDS):
            pass


def _is_written(journal: Path) -> bool:
    return any(is_written(segment) for segment in sorted(journal.glob("*.jsonl"), reverse=True))


def _report(error: Exception) -> None:
    failures.report("shipping to MLflow", error)
