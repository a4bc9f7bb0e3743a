"""Embedding calls of OpenAI's client as facts: what was asked, what answered, how many tokens it took."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID, uuid4

from openai import AsyncAzureOpenAI, AzureOpenAI
from openai.types import CreateEmbeddingResponse

from examsgraph_callbacks.capture import Recorder, embedded_texts, packed_vectors
from examsgraph_callbacks.events import EmbeddingCall
from examsgraph_callbacks.settings import current_settings

__all__ = ["EmbeddingCalls"]


class EmbeddingCalls:
    """Begins and ends calls; each stands below the innermost surrounding run that `recorder` knows."""

    def __init__(self, recorder: Recorder, surrounding_runs: Callable[[], Iterable[UUID]]) -> None:
        self._recorder = recorder
        self._surrounding_runs = surrounding_runs
        self._captures = current_settings().capture_embeddings

    def begin(self, resource: object, request: Mapping[str, object]) -> UUID:
        """`create` of `resource` was called with `request`; returns the call's run."""
        run_id = uuid4()
        model, given = request.get("model"), request.get("input")
        self._recorder.begin(
            EmbeddingCall,
            run_id,
            self._place(),
            name="embeddings.create",
            metadata=None,
            tags=[],
            content={
                "provider": _provider(resource),
                "requested_model": str(model) if model else None,
                "text_count": _text_count(given),
                **({"texts": embedded_texts(given)} if self._captures else {}),
            },
        )
        return run_id

    def end(self, run_id: UUID, response: object, error: BaseException | None) -> None:
        """The call has answered, raw or not, or raised `error`."""
        answer = _answer(response)
        fields: dict[str, object] = {}
        if answer is not None:
            fields.update(served_model=answer.model, text_count=len(answer.data))
            if self._captures:
                fields["vectors"] = packed_vectors(item.embedding for item in answer.data)
            # servers that only speak OpenAI's language may leave it out
            if answer.usage is not None:
                fields.update(input_tokens=answer.usage.prompt_tokens, usage_source="reported")
        self._recorder.end(run_id, fields, error)

    def _place(self) -> UUID | None:
        """The run that the call belongs to; an embedding call that is there already gives way to it.

        LlamaIndex tells of the same call, once for several requests and without its usage.
        """
        known = (run for run in self._surrounding_runs() if self._recorder.open_run(run) is not None)
        place = next(known, None)
        above = None if place is None else self._recorder.open_run(place)
        if above is None or above.fact is not EmbeddingCall:
            return place
        outer = UUID(above.run_id)
        told = self._recorder.recorded(outer)
        if told is not None and told.fact is EmbeddingCall:
            self._recorder.give_way(outer)
        return None if above.parent_run_id is None else UUID(above.parent_run_id)


def _provider(resource: object) -> str:
    client = getattr(resource, "_client", None)
    return "azure" if isinstance(client, AzureOpenAI | AsyncAzureOpenAI) else "openai"


def _text_count(given: object) -> int:
    """Of a text, texts, the tokens of a text, or those of texts; 0 where counting would consume it."""
    if isinstance(given, str):
        return 1
    if not isinstance(given, Sequence):
        return 0
    return 1 if given and isinstance(given[0], int) else len(given)


def _answer(response: object) -> CreateEmbeddingResponse | None:
    """The answer, raw or not; None where the caller has yet to read it."""
    if isinstance(response, CreateEmbeddingResponse):
        return response
    raw = getattr(response, "http_response", None)
    if raw is None or not raw.is_closed:
        return None
    # the response keeps what it parsed, so that the caller's own parse() costs nothing
    parsed = response.parse()  # type: ignore[attr-defined]
    return parsed if isinstance(parsed, CreateEmbeddingResponse) else None
