"""Recordings as they stand in a terminal: cut, looked at, verified."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from examsgraph_callbacks.console.amounts import counted, one_line
from examsgraph_callbacks.console.layout import heading, more
from examsgraph_callbacks.console.screen import Advance, Screen
from examsgraph_callbacks.errors import InvalidInputError, RecordingError
from examsgraph_callbacks.events import EmbeddingCall, Fact, LLMCall, Retrieval, Trace
from examsgraph_callbacks.replay import Flaw, Recording, chosen, secrets_in, verify, write_recording

__all__ = ["Selection", "export_recording", "moment", "show_recording", "verify_recording", "warn_of_flaws"]

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Selection:
    """Which facts of a recording: those of some traces, those that began in a time."""

    traces: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


def moment(text: str | None) -> datetime | None:
    """A date or time in ISO 8601, UTC where it names no zone; raises `InvalidInputError`."""
    if text is None:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(
            f"expected a date or time such as 2026-01-15 or 2026-01-15T09:00, got {text!r}: {error}",
        ) from error
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def export_recording(source: Path, screen: Screen, selection: Selection, path: Path) -> None:
    """Cut a recording out of `source` and say what is in it; raises `RecordingError`."""
    if not source.exists():
        raise RecordingError(
            f"expected a journal at {source.absolute()}, found nothing: name another, or set "
            "EXAMSGRAPH_JOURNAL",
        )
    flaws: list[Flaw] = []
    recording = Recording(source)
    facts = chosen(recording.facts(flaws.append), selection.traces, selection.since, selection.until)
    with screen.progress("Writing the recording") as advance:
        exported = write_recording(_told(facts, advance), path)
    warn_of_flaws(screen, flaws, recording)
    labelled = [secret for fact in Recording(path).facts() for secret in secrets_in(fact)]
    for secret in labelled[:_SHOWN]:
        screen.warn(f"{one_line(str(secret))} (ids and labels stay as they are: see EXAMSGRAPH_USER_KEY)")
    screen.say(
        f"wrote {counted(exported.facts, 'fact')} and {counted(exported.texts, 'shared text')}, "
        f"{exported.size_bytes:,} bytes, to {exported.path}",
    )


def show_recording(place: Path, screen: Screen) -> None:
    """What a recording says of itself, what is in it, and its turns; raises `RecordingError`."""
    recording = Recording(place)
    flaws: list[Flaw] = []
    contents = _Contents()
    for fact in recording.facts(flaws.append):
        contents.add(fact)
    screen.lay_out(*_head(recording), *contents.lines())
    if contents.turns:
        screen.lay_out(*heading("Turns"))
        for turn in contents.turns[:_SHOWN]:
            began = f"{turn.started_at:%Y-%m-%d %H:%M:%S}"
            screen.say(f"{turn.trace_id or turn.run_id}  {began}  {one_line(str(turn.inputs), 60)}")
        screen.lay_out(*more(len(contents.turns), _SHOWN))
    warn_of_flaws(screen, flaws, recording)


@dataclass(slots=True)
class _Contents:
    """What there is in a recording."""

    kinds: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    cannot: Counter[str] = field(default_factory=Counter)
    turns: list[Trace] = field(default_factory=list)
    began: datetime | None = None
    ended: datetime | None = None

    def add(self, fact: Fact) -> None:
        self.kinds[fact.kind] += 1
        self.began = fact.started_at if self.began is None else min(self.began, fact.started_at)
        self.ended = fact.ended_at if self.ended is None else max(self.ended, fact.ended_at)
        self.cannot.update(_not_replayable(fact))
        if isinstance(fact, LLMCall | EmbeddingCall):
            self.models[fact.requested_model or fact.served_model or "a model without a name"] += 1
        if isinstance(fact, Trace):
            self.turns.append(fact)

    def lines(self) -> Iterator[Text]:
        yield Text(", ".join(f"{count:,} {kind}" for kind, count in sorted(self.kinds.items())) or "no facts")
        if self.began is not None and self.ended is not None:
            yield Text(f"{self.began:%Y-%m-%d %H:%M:%S} to {self.ended:%Y-%m-%d %H:%M:%S} UTC", "dim")
        if self.models:
            counts = (f"{one_line(name)} ({count:,})" for name, count in self.models.most_common())
            yield Text(f"models {', '.join(counts)}")
        for reason, count in self.cannot.items():
            yield Text(f"{count:,} {reason}", "yellow")


def _head(recording: Recording) -> Iterator[Text]:
    header = recording.header
    yield Text(f"{'journal' if recording.is_journal else 'recording'} {recording.path}", "bold")
    rules = f", redacted by rules {header.redaction}" if header.redaction else ""
    yield Text(f"schema {header.schema_version}{rules}")
    if header.libraries:
        versions = (f"{name} {version}" for name, version in sorted(header.libraries.items()))
        yield Text(one_line(", ".join(versions)), "dim")


def verify_recording(place: Path, screen: Screen) -> None:
    """Say that a recording is whole and holds no secret; raises `RecordingError` where that is not so."""
    recording = Recording(place)
    verified = verify(recording)
    warn_of_flaws(screen, verified.flaws, recording, verified.flaw_count)
    for secret in verified.secrets[:_SHOWN]:
        screen.warn(one_line(str(secret)))
    if verified.secret_count > _SHOWN:
        screen.warn(f"… and {verified.secret_count - _SHOWN:,} more")
    if not verified.is_sound:
        flaws, secrets = counted(verified.flaw_count, "flaw"), counted(verified.secret_count, "secret")
        raise RecordingError(
            f"expected {recording.path.name} to be whole and without secrets, found {flaws} and {secrets}: "
            f"{counted(verified.facts, 'fact')} can be read; export it again",
        )
    hashes = "" if recording.is_journal else ", hashes right"
    screen.say(
        f"{recording.path.name}: {counted(verified.facts, 'fact')} of schema "
        f"{recording.header.schema_version}{hashes}, no secret found",
    )


def warn_of_flaws(
    screen: Screen, flaws: Sequence[Flaw], recording: Recording, count: int | None = None
) -> None:
    """Tell, on standard error, what of a recording could not be read."""
    for flaw in flaws[:_SHOWN]:
        screen.warn(f"{recording.path.name}: {one_line(str(flaw))}")
    total = len(flaws) if count is None else count
    if total > _SHOWN:
        screen.warn(f"… and {total - _SHOWN:,} more")


def _not_replayable(fact: Fact) -> list[str]:
    """Why a fact can be measured again, but not be played to a live chain."""
    match fact:
        case LLMCall(request=None):
            return ["LLM calls without their requests, which cannot be played"]
        case EmbeddingCall(status="ok", vectors=()):
            return ["embedding calls without vectors, which cannot be played (EXAMSGRAPH_CAPTURE_EMBEDDINGS)"]
        case Retrieval() if any(document.content_hash for document in fact.documents):
            return ["retrievals with cut documents, which cannot be played (EXAMSGRAPH_DOCUMENT_LIMIT)"]
        case _:
            return []


def _told(facts: Iterable[Fact], advance: Advance) -> Iterator[Fact]:
    for number, fact in enumerate(facts):
        if number % 1000 == 0:
            advance(number)
        yield fact
