"""Runs whose end never comes: a cancelled call tells nobody, so its task is asked instead.

LangChain fires no end for a model, retriever or tool whose `ainvoke` was cancelled. Three signs remain:
the task in which the run began was cancelled; the run above it ended in that very task; or that task
has been over for longer than the grace period. That a task is over proves nothing by itself, as
`astream_events` begins runs in tasks shorter than they are.
"""

from asyncio import Task, current_task
from asyncio.events import _get_running_loop
from collections.abc import Callable

from examsgraph_callbacks.capture.open_runs import OpenRun

__all__ = ["GRACE_NS", "SWEEP_EVERY_NS", "running_task", "unwatch", "was_left_behind", "watch"]

GRACE_NS = 600 * 10**9
SWEEP_EVERY_NS = 60 * 10**9


def running_task() -> "Task[object] | None":
    """The task that is running, None where no event loop is."""
    # current_task() alone would raise and catch an exception for every synchronous call
    return None if _get_running_loop() is None else current_task()


def watch(run: OpenRun, task: "Task[object]", on_cancelled: Callable[[], None]) -> None:
    """Call `on_cancelled` if `task`, in which `run` began, is cancelled before the run has ended."""

    def when_done(done: "Task[object]") -> None:
        if done.cancelled():
            on_cancelled()

    run.task = task
    run.when_task_is_done = when_done
    task.add_done_callback(when_done)


def unwatch(run: OpenRun) -> None:
    """The run has ended: its task keeps nothing of it."""
    if run.task is not None and run.when_task_is_done is not None:
        run.task.remove_done_callback(run.when_task_is_done)
        run.when_task_is_done = None


def was_left_behind(run: OpenRun, now_ns: int) -> bool:
    """Whether the task in which `run` began is over, and the grace period since the beginning too."""
    return run.task is not None and run.task.done() and now_ns - run.started_ns > GRACE_NS
