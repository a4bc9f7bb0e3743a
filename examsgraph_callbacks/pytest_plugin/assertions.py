"""Assertions on what a test's calls cost and which path its retriever took, that say what came instead."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from examsgraph_callbacks.events import EmbeddingCall, Exploration, Fact, LLMCall
from examsgraph_callbacks.measure import MeasuredCall, MeasuredEmbedding, Meter

__all__ = ["assert_costs", "assert_path"]

_LISTED = 10


def assert_costs(
    facts: Iterable[Fact],
    *,
    max_usd: Decimal | float | str | None = None,
    max_tokens: int | None = None,
    max_calls: int | None = None,
    meter: Meter | None = None,
) -> None:
    """Raise `AssertionError` where the calls among `facts` took more USD, tokens or calls than that.

    Costs are by list prices unless `meter` says otherwise. A call without a price fails a bound on USD, as
    what it costs is not known; but one that failed, and of which no usage was reported, is passed over.
    """
    measure = meter or Meter()
    measured: list[MeasuredCall | MeasuredEmbedding] = [
        measure.measure(fact) for fact in facts if isinstance(fact, LLMCall | EmbeddingCall)
    ]
    costs = [one.cost_usd for one in measured if one.cost_usd is not None]
    total, tokens = sum(costs, Decimal(0)), sum(map(_tokens, measured))
    problems: list[str] = []
    if max_usd is not None:
        if total > Decimal(str(max_usd)):
            problems.append(f"expected to cost at most ${max_usd}, cost ${total:f}")
        if unpriced := [one for one in measured if one.cost_usd is None and one.call.status != "error"]:
            reason = unpriced[0].unpriced_reason
            problems.append(f"expected every call to have a price, {len(unpriced)} had none: {reason}")
    if max_tokens is not None and tokens > max_tokens:
        problems.append(f"expected to take at most {max_tokens:,} tokens, took {tokens:,}")
    if max_calls is not None and len(measured) > max_calls:
        problems.append(f"expected at most {max_calls} calls, found {len(measured)}")
    if problems:
        lines = [_line(one) for one in measured[:_LISTED]]
        if len(measured) > _LISTED:
            lines.append(f"  … and {len(measured) - _LISTED} more")
        raise AssertionError("\n".join(["; ".join(problems), *lines]))


def assert_path(facts: Iterable[Fact], concepts: Sequence[str], *, query: str | None = None) -> None:
    """Raise `AssertionError` where the last exploration (of `query`, if given) did not take that path.

    `concepts` are those at which it began and to which it went, in the order in which they were followed.
    """
    explorations = [
        fact for fact in facts if isinstance(fact, Exploration) and (query is None or fact.query == query)
    ]
    if not explorations:
        about = "" if query is None else f" of {query!r}"
        raise AssertionError(f"expected an exploration{about} that takes {_shown(concepts)}, found none")
    taken = _concepts(explorations[-1])
    if taken == list(concepts):
        return
    pairs = enumerate(zip(taken, concepts, strict=False))
    at = next((number for number, (one, other) in pairs if one != other), min(len(taken), len(concepts)))
    raise AssertionError(
        f"expected the path {_shown(concepts)}\n"
        f"      but it was {_shown(taken)}\n"
        f"they part at concept {at + 1}: expected {_at(concepts, at)}, was {_at(taken, at)}"
        f"{_why(explorations[-1], _at(concepts, at))}",
    )


def _concepts(exploration: Exploration) -> list[str]:
    followed = [hop.next_node for hop in exploration.hops if hop.verdict == "followed"]
    return [*(seed.node for seed in exploration.seeds), *followed]


def _why(exploration: Exploration, concept: str) -> str:
    """What became of a concept that was expected."""
    looked_at = next((hop for hop in exploration.hops if hop.next_node == concept), None)
    if looked_at is None or looked_at.verdict == "followed":
        return ""
    score = "" if looked_at.similarity_score is None else f", score {looked_at.similarity_score:.2f}"
    return f" ({concept} was looked at from {looked_at.node}: {looked_at.verdict}{score})"


def _shown(concepts: Sequence[str]) -> str:
    return " → ".join(concepts) or "nothing"


def _at(concepts: Sequence[str], number: int) -> str:
    return concepts[number] if number < len(concepts) else "nothing more"


def _tokens(measured: MeasuredCall | MeasuredEmbedding) -> int:
    if isinstance(measured, MeasuredEmbedding):
        return measured.input_tokens or 0
    return measured.total_tokens or 0


def _line(measured: MeasuredCall | MeasuredEmbedding) -> str:
    call = measured.call
    estimated = "~" if isinstance(measured, MeasuredCall) and measured.estimated else ""
    cost = "unpriced" if measured.cost_usd is None else f"${measured.cost_usd:f}"
    model = call.served_model or call.requested_model or "a model without a name"
    return f"  {model}: {estimated}{_tokens(measured):,} tokens, {cost}"
