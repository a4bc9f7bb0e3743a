"""A turn with what its calls took and cost, as far as that is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.measure import MeasuredCall, MeasuredEmbedding, Meter

__all__ = ["CallCost", "MeasuredTurn", "measure_turn"]


@dataclass(frozen=True, slots=True)
class CallCost:
    """A priced call's cost in USD, and the part of it that its input was billed."""

    total_usd: Decimal
    input_usd: Decimal

    @property
    def output_usd(self) -> Decimal:
        """What is left for the output."""
        return self.total_usd - self.input_usd


@dataclass(frozen=True, slots=True)
class MeasuredTurn:
    """A turn with its measured calls, and the costs of those that have one, by their `event_id`."""

    turn: Turn
    calls: Mapping[str, MeasuredCall]
    embeddings: Mapping[str, MeasuredEmbedding]
    costs: Mapping[str, CallCost]


def measure_turn(turn: Turn, meter: Meter) -> MeasuredTurn:
    """Measure every call of the turn."""
    calls: dict[str, MeasuredCall] = {}
    embeddings: dict[str, MeasuredEmbedding] = {}
    costs: dict[str, CallCost] = {}
    for fact in turn.facts:
        if isinstance(fact, LLMCall):
            call = calls[fact.event_id] = meter.measure(fact)
            if call.cost_usd is not None:
                costs[fact.event_id] = CallCost(call.cost_usd, _input_usd(call, meter))
        elif isinstance(fact, EmbeddingCall):
            embedding = embeddings[fact.event_id] = meter.measure(fact)
            if embedding.cost_usd is not None:
                costs[fact.event_id] = CallCost(embedding.cost_usd, embedding.cost_usd)
    return MeasuredTurn(turn, calls, embeddings, costs)


def _input_usd(measured: MeasuredCall, meter: Meter) -> Decimal:
    """What the same call would have cost without an answer.

    Of a stated cost it is the part that it is of the list price; all of it where no list price is known.
    """
    no_output = {"output_tokens": 0, "reasoning_tokens": None, "audio_output_tokens": None}
    listed = {"input_tokens": measured.input_tokens, "stated_cost_usd": None}
    call = measured.call.model_copy(update={**listed, **no_output})
    input_usd = meter.measure(call).cost_usd or Decimal(0)
    if measured.call.stated_cost_usd is None:
        return input_usd
    if not measured.listed_usd:
        return measured.call.stated_cost_usd
    return measured.call.stated_cost_usd * input_usd / measured.listed_usd
