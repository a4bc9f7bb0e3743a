"""A turn as spans, one a fact and one a hop level: ids, times, status, and the whole trace's tags."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from examsgraph_callbacks.deliver.adding_up import costs_that_add_up
from examsgraph_callbacks.deliver.contents import (
    COST,
    call_contents,
    embedding_contents,
    fact_contents,
    level_contents,
)
from examsgraph_callbacks.deliver.measured import MeasuredTurn
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import EmbeddingCall, Exploration, Hop, LLMCall, RunFact

__all__ = ["Failure", "Span", "is_trace_id", "turn_spans"]

TRACE_TAG = "mlflow.traceTag."
INCOMPLETE = "incomplete"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ID = re.compile(r"(?=.*[1-9a-f].{0,15}$)[0-9a-f]{32}")  # of 16 zeros at the end no span id can be made
_SPAN_TYPES = {
    "trace": "CHAIN",
    "llm_call": "CHAT_MODEL",
    "embedding_call": "EMBEDDING",
    "retrieval": "RETRIEVER",
    "exploration": "CHAIN",
    "tool_call": "TOOL",
}
_NAMES = {"trace": "turn", "llm_call": "llm call", "embedding_call": "embedding", "tool_call": "tool"}
_NO_END = "no end of this turn was recorded: its process ended, or it is still running"
# characters of a name or of the id of a user or session: MLflow refuses longer session ids
_LONGEST = 250


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a span failed: the error's type and what it said."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Span:
    """One span of a trace; ids are hexadecimal (32 and 16 digits), times nanoseconds since 1970 (UTC)."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    failure: Failure | None = None
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)


def is_trace_id(run_id: str) -> bool:
    """Whether a trace can have this id: 32 hexadecimal digits that do not end in 16 zeros."""
    return _ID.fullmatch(run_id) is not None


def turn_spans(measured: MeasuredTurn, *, add_root: bool = False) -> list[Span]:
    """The spans of a turn, its root's first.

    `add_root` stands in for the root of a turn that has none: a failed span with the id that the real
    root would have, so that this one replaces it should it still come.

    Raises `InvalidInputError` where an id is not 32 hexadecimal digits.
    """
    turn = measured.turn
    root = turn.root
    about_trace = _trace_attributes(measured)
    if root is not None:
        root_id = _span_id(root.run_id)
        spans = []
    elif add_root:
        root_id = _span_id(turn.trace_id)
        spans = [_missing_root(turn, root_id, about_trace)]
    else:
        root_id = None
        spans = []
    tree = _tree(turn, root_id)
    costs = _costs(measured, tree)
    for fact, parent_id in tree:
        span = _fact_span(measured, fact, parent_id)
        if span.span_id in costs:
            span = replace(span, attributes={**span.attributes, COST: costs[span.span_id]})
        spans.append(replace(span, attributes={**span.attributes, **about_trace}) if fact is root else span)
        if isinstance(fact, Exploration):
            spans.extend(_level_spans(turn, fact))
    return spans


def _tree(turn: Turn, root_id: str | None) -> list[tuple[RunFact, str | None]]:
    """The facts, the root first, each with the span that it hangs on."""
    runs = {fact.run_id: fact for fact in turn.facts}
    tree: list[tuple[RunFact, str | None]] = []
    for fact in sorted(turn.facts, key=lambda fact: (fact.parent_run_id is not None, fact.started_at)):
        parent_id = None
        parent_run_id = _hangs_on(fact, runs)
        if parent_run_id is not None:
            # a parent that was never written leaves its children to the root
            named = parent_run_id in runs or root_id is None
            parent_id = _span_id(parent_run_id) if named else root_id
        tree.append((fact, parent_id))
    return tree


def _hangs_on(fact: RunFact, runs: Mapping[str, RunFact]) -> str | None:
    """The run above the fact, and above any call between: below a call MLflow adds up nothing more."""
    parent_run_id = fact.parent_run_id
    passed = {fact.run_id}
    while parent_run_id is not None and parent_run_id not in passed:
        above = runs.get(parent_run_id)
        if not isinstance(above, LLMCall | EmbeddingCall) or above.parent_run_id is None:
            break
        passed.add(parent_run_id)
        parent_run_id = above.parent_run_id
    return parent_run_id


def _costs(
    measured: MeasuredTurn, tree: Iterable[tuple[RunFact, str | None]]
) -> dict[str, dict[str, JsonValue]]:
    costs = {
        _span_id(fact.run_id): measured.costs[fact.event_id]
        for fact in measured.turn.facts
        if fact.event_id in measured.costs
    }
    return costs_that_add_up([(_span_id(fact.run_id), parent_id) for fact, parent_id in tree], costs)


def _fact_span(measured: MeasuredTurn, fact: RunFact, parent_id: str | None) -> Span:
    attributes: dict[str, JsonValue] = {
        "mlflow.spanType": _SPAN_TYPES[fact.kind],
        "examsgraph.event_id": fact.event_id,
        "examsgraph.run_id": fact.run_id,
        **fact_contents(fact),
    }
    if fact.tags:
        attributes["examsgraph.tags"] = list(fact.tags)
    if fact.status in ("partial", "cache_hit"):
        attributes["examsgraph.status"] = fact.status
    cost = measured.costs.get(fact.event_id)
    if fact.event_id in measured.calls:
        attributes.update(call_contents(measured.calls[fact.event_id], cost))
    elif fact.event_id in measured.embeddings:
        attributes.update(embedding_contents(measured.embeddings[fact.event_id], cost))
    start_ns = _ns(fact.started_at)
    return Span(
        trace_id=_trace_id(measured.turn),
        span_id=_span_id(fact.run_id),
        parent_id=parent_id,
        name=(fact.name or _NAMES.get(fact.kind, fact.kind))[:_LONGEST],
        start_ns=start_ns,
        end_ns=start_ns + round(fact.latency_ms * 1e6),
        failure=_failure(fact),
        attributes=attributes,
    )


def _level_spans(turn: Turn, exploration: Exploration) -> Iterator[Span]:
    """One span a hop level.

    Levels are not timed: each spans the whole exploration, but for the nanoseconds that keep them in
    order wherever MLflow sorts them by their start.
    """
    levels: dict[int, list[Hop]] = {}
    for hop in exploration.hops:
        levels.setdefault(hop.depth, []).append(hop)
    began_ns = _ns(exploration.started_at)
    for depth, hops in sorted(levels.items()):
        yield Span(
            trace_id=_trace_id(turn),
            span_id=hashlib.blake2s(f"{exploration.run_id}/{depth}".encode(), digest_size=8).hexdigest(),
            parent_id=_span_id(exploration.run_id),
            name=f"depth {depth}",
            start_ns=began_ns + depth,
            end_ns=began_ns + max(depth, round(exploration.latency_ms * 1e6)),
            attributes={"mlflow.spanType": "RETRIEVER", **level_contents(exploration, hops)},
        )


def _missing_root(turn: Turn, span_id: str, about_trace: Mapping[str, JsonValue]) -> Span:
    return Span(
        trace_id=_trace_id(turn),
        span_id=span_id,
        parent_id=None,
        name=_NAMES["trace"],
        start_ns=_ns(turn.started_at),
        end_ns=_ns(turn.ended_at),
        failure=Failure("Incomplete", _NO_END),
        attributes={
            "mlflow.spanType": _SPAN_TYPES["trace"],
            TRACE_TAG + INCOMPLETE: "true",
            **about_trace,
        },
    )


def _trace_attributes(measured: MeasuredTurn) -> dict[str, JsonValue]:
    """What MLflow takes from a root span for the whole trace: user, session, and tags."""
    turn = measured.turn
    root_first = sorted(turn.facts, key=lambda fact: fact.parent_run_id is not None)

    def said(name: str) -> str | None:
        return next((value for fact in root_first if (value := getattr(fact, name))), None)

    tags = {name: said(name) for name in ("question_id", "task_type", "wrong_concept", "prompt_variant")}
    tags.update(_measured_tags(measured))
    attributes = {TRACE_TAG + name: value for name, value in tags.items() if value is not None}
    ids = {"user.id": said("user_id"), "session.id": said("session_id")}
    name = None if turn.root is None else turn.root.name
    return {
        TRACE_TAG + "mlflow.traceName": (name or _NAMES["trace"])[:_LONGEST],
        **attributes,
        **{key: value[:_LONGEST] for key, value in ids.items() if value is not None},
    }


def _measured_tags(measured: MeasuredTurn) -> dict[str, str | None]:
    calls = measured.calls.values()
    verdicts = {call.misrouted for call in calls}
    whys = {call.unpriced_reason for call in calls}
    whys.update(embedding.unpriced_reason for embedding in measured.embeddings.values())
    return {
        "misrouted": "true" if True in verdicts else "false" if False in verdicts else None,
        "unpriced": "; ".join(sorted(filter(None, whys))) or None,
        "estimated": "true" if any(call.estimated for call in calls) else None,
    }


def _failure(fact: RunFact) -> Failure | None:
    if fact.status != "error":
        return None
    return Failure(fact.error_type or "Error", fact.error_message or "")


def _trace_id(turn: Turn) -> str:
    return _checked(turn.trace_id)


def _span_id(run_id: str) -> str:
    # the later half: the earlier one of a time-ordered UUID is the same for runs of one millisecond
    return _checked(run_id)[16:]


def _checked(run_id: str) -> str:
    if not is_trace_id(run_id):
        raise InvalidInputError(
            f"expected an id of 32 hexadecimal digits that do not end in 16 zeros, got {run_id!r}: "
            "write facts with ids such as uuid.uuid4().hex",
        )
    return run_id


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND * 1000
