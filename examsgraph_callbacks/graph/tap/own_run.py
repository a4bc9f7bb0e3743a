"""A retriever run that no framework tells of: a retrieval of the run around it, or of its own trace."""

from collections.abc import Callable
from uuid import UUID, uuid4

from examsgraph_callbacks.capture import Recorder, find_open_run, surrounding_run
from examsgraph_callbacks.events import Retrieval, Trace

__all__ = ["OwnRun"]


class OwnRun:
    """Records a retrieval, under a trace of its own where no recorded run is around it."""

    def __init__(self, recorder: Recorder, run_id: UUID, trace_id: UUID | None) -> None:
        self._recorder = recorder
        self.run_id = run_id
        self._trace_id = trace_id

    @classmethod
    def begin(
        cls,
        recorder: Callable[[], Recorder],
        run_id: UUID | None,
        *,
        name: str | None,
        query: str | None,
    ) -> "OwnRun":
        """It has begun, as `run_id` where it has one; `recorder` records it where nobody does around it."""
        parent = surrounding_run()
        above = None if parent is None else find_open_run(parent)
        nearest = None if above is None else above.recorder
        run = cls(nearest if isinstance(nearest, Recorder) else recorder(), run_id or uuid4(), None)
        if parent is None:
            parent = run._trace_id = uuid4()
            run._recorder.begin(
                Trace, parent, None, name=name, metadata=None, tags=[], content={"inputs": query}
            )
        run._recorder.begin(
            Retrieval, run.run_id, parent, name=name, metadata=None, tags=[], content={"query": query}
        )
        return run

    def end(self, documents: list[dict[str, object]], error: BaseException | None) -> None:
        """It has returned these documents, or raised `error`."""
        self._recorder.end(self.run_id, {"documents": documents}, error)
        if self._trace_id is not None:
            self._recorder.end(self._trace_id, None, error)
