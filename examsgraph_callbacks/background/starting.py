"""Starts, off the callback's path, the one shipper that a journal needs: a helper process, or a thread."""

import atexit
import os
import threading
from importlib import import_module
from pathlib import Path

from examsgraph_callbacks.background.helper import can_help, start_helper
from examsgraph_callbacks.background.locks import follow_lock, is_followed
from examsgraph_callbacks.defaults import absolute, default_tracking_uri
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.settings import Shipping, current_settings

__all__ = ["LOOK_AGAIN_SECONDS", "make_sure_it_is_shipped", "ship_by_hand"]

LOOK_AGAIN_SECONDS = 60.0
"""How often a process that writes looks whether the journal is still being shipped."""

_LONGEST_AT_EXIT_SECONDS = 0.5
# by its name: what ships stands far above, and is imported by nobody who only writes
_FOLLOW_IN_A_THREAD = ("examsgraph_callbacks.deliver.background", "follow_in_a_thread")


def make_sure_it_is_shipped(journal: Path) -> None:
    """See to it that somebody ships `journal` to the configured MLflow; returns at once.

    What it takes is done in a thread that lives for some milliseconds (and on, where the way is
    `thread`): nothing where somebody ships already, or where nobody is to (see `Settings.ship`).
    """
    if _by_hand.is_set():
        return
    starting = _Starting(journal)
    _all_starting.add(starting)
    try:
        starting.start()
    except RuntimeError as error:  # no more threads, or the interpreter is going down
        failures.report("starting to ship in the background", error)
        _all_starting.discard(starting)


def ship_by_hand() -> None:
    """In this process nothing is shipped by itself: it is about to ship what it writes."""
    _by_hand.set()


class _Starting(threading.Thread):
    """Starts what ships; `done` once it needs this process no more."""

    def __init__(self, journal: Path) -> None:
        super().__init__(name="examsgraph-ship", daemon=True)
        self._journal = journal
        self.done = threading.Event()

    def run(self) -> None:
        try:
            way = _way()
            uri = absolute(default_tracking_uri(self._journal))
            if way == "off" or is_followed(follow_lock(self._journal, uri)):
                return
            if way == "process":
                self._start_a_process()
            else:
                self.done.set()
                module, name = _FOLLOW_IN_A_THREAD
                getattr(import_module(module), name)(self._journal)
        except Exception as error:  # noqa: BLE001 - whatever it is, the host goes on
            failures.report("shipping in the background", error)
        finally:
            self.done.set()
            _all_starting.discard(self)

    def _start_a_process(self) -> None:
        started = start_helper(self._journal)
        self.done.set()
        started.wait()


def _way() -> Shipping:
    chosen = current_settings().ship
    if chosen is not None:
        return chosen
    return "process" if can_help() else "off"


_by_hand = threading.Event()
_all_starting: set[_Starting] = set()


def _let_them_start() -> None:
    """At exit: a process whose first fact was its last still starts what ships it, in some milliseconds."""
    for starting in tuple(_all_starting):
        starting.done.wait(_LONGEST_AT_EXIT_SECONDS)


def _forget_parents() -> None:
    _all_starting.clear()


atexit.register(_let_them_start)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
