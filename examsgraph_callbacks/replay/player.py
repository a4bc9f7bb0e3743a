"""Answers a live chain from a recording: its calls, embeddings and retrievals, each as it was recorded."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from examsgraph_callbacks.capture import Redact, redact_text, unpacked_vector
from examsgraph_callbacks.errors import RecordingError, ReplayMissError
from examsgraph_callbacks.events import EmbeddingCall, Exploration, LLMCall, Retrieval
from examsgraph_callbacks.replay.comparing import first_difference, nearest
from examsgraph_callbacks.replay.occurrences import Occurrences
from examsgraph_callbacks.replay.recording import Recording
from examsgraph_callbacks.replay.requests import Canonical, key_of

__all__ = ["Player", "RecordedRetrieval"]


@dataclass(frozen=True, slots=True)
class RecordedRetrieval:
    """A retriever's run, and what it explored meanwhile."""

    retrieval: Retrieval
    explorations: tuple[Exploration, ...] = ()


class Player:
    """Plays one recording; made once for all stand-ins that share it, as each answer is given once.

    A call is found by a hash of its model, messages, tools and sampling, computed after `redact`, which is
    the application's own where it has one. Of equal calls, the first that is made gets the answer of the
    first that was made, and so on. What was not recorded raises `ReplayMissError`, and is kept in `misses`:
    an application may catch errors. `pace` stretches the recorded times; 0, the default, leaves them out.

    Raises `RecordingError` where the recording cannot be read, or was made without content.
    """

    def __init__(
        self, recording: Recording | str | Path, *, redact: Redact = redact_text, pace: float = 0.0
    ) -> None:
        self.recording = recording if isinstance(recording, Recording) else Recording(recording)
        self.pace = pace
        self.misses: list[str] = []
        self._canonical = Canonical(redact)
        self._calls: Occurrences[LLMCall] = Occurrences()
        self._asked: list[JsonValue] = []
        self._called: list[LLMCall] = []
        self._embeddings: Occurrences[EmbeddingCall] = Occurrences()
        self._vectors: Occurrences[str] = Occurrences()
        self._last_vectors: dict[str, str] = {}
        self._texts: list[str] = []
        self._retrievals: Occurrences[RecordedRetrieval] = Occurrences()
        self._queries: list[tuple[str, Retrieval]] = []
        self._explorers: set[str] = set()
        self._lock = threading.Lock()
        self._read()

    def call(
        self, model: str | None, request: Mapping[str, object], *, any_sampling: bool = False
    ) -> LLMCall:
        """The recorded call of `model` with `request`, the fields of a `Request`.

        With `any_sampling` its parameters are not compared, as by a stand-in that was told none. Raises
        `ReplayMissError`.
        """
        asked = self._canonical.live(model, request)
        if any_sampling:
            asked.pop("parameters")
        key = key_of(asked)
        call = self._calls.take(key)
        if call is None:
            raise self._missed(self._why_no_call(asked, key, compares_sampling=not any_sampling))
        return call

    def embedding(self, model: str | None, texts: Sequence[str]) -> EmbeddingCall:
        """The recorded call of `model` for these texts; raises `ReplayMissError`."""
        clean = [self._canonical.text(text) for text in texts]
        call = self._embeddings.take(key_of([model, *clean]))
        if call is None:
            raise self._missed(self._why_no_vector(model, clean))
        return call

    def vector(self, model: str | None, text: str) -> list[float]:
        """The recorded vector of one text, in whichever call it was embedded; raises `ReplayMissError`.

        A text is embedded to the same vector again: asked for more often than recorded, the last one stands.
        """
        clean = self._canonical.text(text)
        key = key_of([model, clean])
        packed = self._vectors.take(key) or self._last_vectors.get(key)
        if packed is None:
            raise self._missed(self._why_no_vector(model, [clean]))
        return unpacked_vector(packed)

    def retrieval(self, query: str, name: str | None = None) -> RecordedRetrieval:
        """The recorded run for `query` of the retriever `name` (of any, where None).

        Raises `ReplayMissError`, and `RecordingError` where a document was cut when it was recorded.
        """
        clean = self._canonical.text(query)
        key = key_of([name, clean] if name is not None else [clean])
        found = self._retrievals.take(key)
        if found is None:
            raise self._missed(self._why_no_retrieval(clean, name, key))
        _refuse_cut_documents(found.retrieval)
        return found

    def explores(self, name: str) -> bool:
        """Whether retrievers of that name were recorded together with the path that they took."""
        return name in self._explorers

    def _read(self) -> None:
        calls: list[LLMCall] = []
        embeddings: list[EmbeddingCall] = []
        retrievals: list[Retrieval] = []
        explorations: dict[str | None, list[Exploration]] = {}
        for fact in self.recording.facts():
            match fact:
                case LLMCall():
                    calls.append(fact)
                case EmbeddingCall():
                    embeddings.append(fact)
                case Retrieval():
                    retrievals.append(fact)
                case Exploration():
                    explorations.setdefault(fact.parent_run_id, []).append(fact)
        with_content = [call for call in calls if call.request is not None]
        if calls and not with_content:
            raise RecordingError(
                f"expected calls with their requests, found {len(calls)} without in {self.recording.path}: "
                "record again with EXAMSGRAPH_CAPTURE_CONTENT=true",
            )
        # facts stand in the order in which they ended: answers are handed out in that of their beginnings
        for call in sorted(with_content, key=lambda call: call.started_at):
            self._add_call(call)
        for embedding in sorted(embeddings, key=lambda call: call.started_at):
            self._add_embedding(embedding)
        for retrieval in sorted(retrievals, key=lambda retrieval: retrieval.started_at):
            self._add_retrieval(retrieval, tuple(explorations.get(retrieval.run_id, ())))

    def _add_call(self, call: LLMCall) -> None:
        asked = self._canonical.recorded(call)
        but_sampling = {name: value for name, value in asked.items() if name != "parameters"}
        self._calls.add(call, key_of(asked), key_of(but_sampling))
        self._asked.append(asked)
        self._called.append(call)

    def _add_embedding(self, call: EmbeddingCall) -> None:
        texts = [self._canonical.text(text) for text in call.texts]
        if not texts or (len(texts) != len(call.vectors) and call.status == "ok"):
            return
        self._embeddings.add(call, key_of([call.requested_model, *texts]))
        for text, vector in zip(texts, call.vectors, strict=False):
            key = key_of([call.requested_model, text])
            any_model = key_of([None, text])
            self._vectors.add(vector, key, any_model)
            self._last_vectors[key] = self._last_vectors[any_model] = vector
        self._texts.extend(texts)

    def _add_retrieval(self, retrieval: Retrieval, explorations: tuple[Exploration, ...]) -> None:
        if retrieval.query is None:
            return
        query = self._canonical.text(retrieval.query)
        keys = [key_of([query]), *([key_of([retrieval.name, query])] if retrieval.name else [])]
        self._retrievals.add(RecordedRetrieval(retrieval, explorations), *keys)
        self._queries.append((query, retrieval))
        if explorations and retrieval.name:
            self._explorers.add(retrieval.name)

    def _missed(self, reason: str) -> ReplayMissError:
        with self._lock:
            self.misses.append(reason)
        return ReplayMissError(reason)

    def _why_no_call(self, asked: dict[str, JsonValue], key: str, *, compares_sampling: bool) -> str:
        if recorded := self._calls.recorded(key):
            return (
                f"expected at most {recorded} calls like this one, as recorded in {self._place}, found one "
                "more: record again if the chain is meant to call so often"
            )
        model = asked["model"] or "a model without a name"
        compared = self._asked if compares_sampling else [_but_sampling(one) for one in self._asked]
        index = nearest(asked, compared)
        if index is None:
            return f"expected a recorded call of {model}, found none at all in {self._place}"
        difference = first_difference(compared[index], asked)
        call = self._called[index]
        return (
            f"expected a call of {model} that is recorded in {self._place}; the nearest, {call.event_id} of "
            f"{call.started_at:%Y-%m-%d %H:%M:%S} UTC, is another: {difference}; record again if the change "
            "is meant"
        )

    def _why_no_vector(self, model: str | None, texts: Sequence[str]) -> str:
        if not self._texts:
            return (
                f"expected embedded texts with their vectors in {self._place}, found none: record with "
                "EXAMSGRAPH_CAPTURE_EMBEDDINGS=true"
            )
        unknown = next((text for text in texts if not self._vectors.recorded(key_of([model, text]))), None)
        if unknown is None:
            return (
                f"expected one embedding call of {model} for {len(texts)} texts as recorded in "
                f"{self._place}: each text was embedded, but in other calls or less often"
            )
        index = nearest(unknown, self._texts)
        recorded = self._texts[index] if index is not None else ""
        difference = first_difference(recorded, unknown, "the text")
        return (
            f"expected a text that {model or 'the model'} embedded in {self._place}; the nearest "
            f"{f'is another: {difference}' if difference else 'was embedded by another model'}"
        )

    def _why_no_retrieval(self, query: str, name: str | None, key: str) -> str:
        if recorded := self._retrievals.recorded(key):
            return (
                f"expected at most {recorded} retrievals for {query!r}, as recorded in {self._place}, found "
                "one more"
            )
        named = [(text, one) for text, one in self._queries if name is None or one.name == name]
        index = nearest(query, [text for text, _ in named])
        if index is None:
            return f"expected a recorded retrieval of {name or 'any retriever'} in {self._place}, found none"
        text, retrieval = named[index]
        return (
            f"expected a query of {name or 'a retriever'} that is recorded in {self._place}; the nearest, "
            f"{retrieval.event_id}, is another: {first_difference(text, query, 'the query')}"
        )

    @property
    def _place(self) -> str:
        return self.recording.path.name


def _but_sampling(asked: JsonValue) -> JsonValue:
    assert isinstance(asked, dict)  # noqa: S101 - as they were made
    return {name: value for name, value in asked.items() if name != "parameters"}


def _refuse_cut_documents(retrieval: Retrieval) -> None:
    cut = next((document for document in retrieval.documents if document.content_hash is not None), None)
    if cut is not None:
        raise RecordingError(
            f"expected whole documents, found one of {cut.content_length} characters of which "
            f"{len(cut.content or '')} were recorded (retrieval {retrieval.event_id}): record again with "
            "EXAMSGRAPH_DOCUMENT_LIMIT=1000000",
        )
