"""Wraps `create` of OpenAI's embeddings, sync and async: they fire no callback in any framework."""

from collections.abc import Awaitable, Callable, Iterable
from functools import cached_property, wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from examsgraph_callbacks.failures import failures

if TYPE_CHECKING:
    from uuid import UUID

    from openai.types import CreateEmbeddingResponse

    from examsgraph_callbacks.capture import Recorder
    from examsgraph_callbacks.openai.calls import EmbeddingCalls

__all__ = ["record_embeddings", "replace_create"]


def record_embeddings(
    recorder: "Callable[[], Recorder]",
    surrounding_runs: "Callable[[], Iterable[UUID]]",
) -> Callable[[], None]:
    """Record every embedding call of OpenAI's client until what is returned is called.

    Clients that exist already are recorded too. `recorder` is asked for at the first call;
    `surrounding_runs` says of which runs a call may be a part, the likeliest first.
    """
    from openai.resources.embeddings import AsyncEmbeddings, Embeddings

    listener = _Listener(recorder, surrounding_runs)
    undo = [
        replace_create(Embeddings, listener.recorded(Embeddings.create)),
        replace_create(AsyncEmbeddings, listener.recorded_async(AsyncEmbeddings.create)),
    ]

    def stop() -> None:
        listener.listens = False
        for put_back in undo:
            put_back()

    return stop


def replace_create(owner: Any, replacement: Callable[..., object]) -> Callable[[], None]:
    """Put `replacement` in the place of `create` of `owner` until what is returned is called."""
    original = owner.create
    owner.create = replacement

    def put_back() -> None:
        # if somebody else has wrapped it since, theirs stays, and ours inside it only passes on
        if owner.create is replacement:
            owner.create = original

    return put_back


class _Listener:
    """What the wrapped methods ask; nothing is imported before they are called."""

    listens = True

    def __init__(
        self,
        recorder: "Callable[[], Recorder]",
        surrounding_runs: "Callable[[], Iterable[UUID]]",
    ) -> None:
        self._recorder = recorder
        self._surrounding_runs = surrounding_runs

    @cached_property
    def calls(self) -> "EmbeddingCalls":
        from examsgraph_callbacks.openai.calls import EmbeddingCalls

        return EmbeddingCalls(self._recorder(), self._surrounding_runs)

    def recorded(self, create: "Callable[..., CreateEmbeddingResponse]") -> Callable[..., object]:
        @wraps(create)
        def recorded_create(resource: object, *args: Any, **request: Any) -> object:
            with _Recording(self, resource, request) as recording:
                recording.response = create(resource, *args, **request)
            return recording.response

        return recorded_create

    def recorded_async(
        self,
        create: "Callable[..., Awaitable[CreateEmbeddingResponse]]",
    ) -> Callable[..., Awaitable[object]]:
        @wraps(create)
        async def recorded_create(resource: object, *args: Any, **request: Any) -> object:
            with _Recording(self, resource, request) as recording:
                recording.response = await create(resource, *args, **request)
            return recording.response

        return recorded_create


class _Recording:
    """What happens in its block is one call; what fails of ours is logged, and the call goes on."""

    def __init__(self, listener: _Listener, resource: object, request: dict[str, object]) -> None:
        self._listener = listener
        self._resource = resource
        self._request = request
        self._run_id: UUID | None = None
        self.response: object = None

    def __enter__(self) -> Self:
        if self._listener.listens:
            try:
                self._run_id = self._listener.calls.begin(self._resource, self._request)
            except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
                failures.report("recording an embedding call", error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._run_id is not None:
            try:
                self._listener.calls.end(self._run_id, self.response, error)
            except Exception as failure:  # noqa: BLE001 - as above
                failures.report("recording an embedding call", failure)
