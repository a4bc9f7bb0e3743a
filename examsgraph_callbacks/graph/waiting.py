"""Waits for work that blocks, and no longer than it may take: it is done in a thread that can be left."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias, TypeVar

__all__ = ["within"]

Answer = TypeVar("Answer")
_Jobs: TypeAlias = "SimpleQueue[Callable[[], None]]"

_IDLE_SECONDS = 10.0

# the queues of threads that wait for a job; one that is kept is ten times cheaper than a new one
_idle: deque[_Jobs] = deque()


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """What `work` returns or raises; `TimeoutError` where it takes longer, and goes on by itself.

    It runs in the caller's context. Its thread keeps no process from ending, and ends when it has had
    nothing to do for a while.
    """
    answer: Future[Answer] = Future()
    context = copy_context()
    try:
        jobs = _idle.pop()
    except IndexError:
        jobs = SimpleQueue()
        Thread(target=_serve, args=(jobs,), name="examsgraph-question", daemon=True).start()

    def job() -> None:
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            _idle.append(jobs)
            answer.set_exception(error)
        else:
            _idle.append(jobs)  # first, so that who asks again at once finds this thread
            answer.set_result(result)

    jobs.put(job)
    return answer.result(seconds)


def _serve(jobs: _Jobs) -> None:
    while True:
        try:
            jobs.get(timeout=_IDLE_SECONDS)()
        except Empty:
            try:
                _idle.remove(jobs)
            except ValueError:
                continue  # it has just been chosen: a job is on its way
            return


if hasattr(os, "register_at_fork"):
    # a child has the queues and none of the threads
    os.register_at_fork(after_in_child=_idle.clear)
