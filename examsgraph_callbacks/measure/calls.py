"""A call with its figures: tokens, cost and route, derived from the recorded fact and nothing else."""

from dataclasses import dataclass
from decimal import Decimal
from typing import overload

from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.measure.price import PriceList
from examsgraph_callbacks.measure.routing import RoutingPolicy
from examsgraph_callbacks.measure.tokens import count_tokens

__all__ = ["STATED_TOLERANCE", "MeasuredCall", "MeasuredEmbedding", "Meter", "Route"]

STATED_TOLERANCE = Decimal("0.05")
"""The part of the list price by which a stated cost may differ from it before the report says so."""

Route = tuple[str | None, str | None]
"""The task type with the served model, None where one is not known."""


@dataclass(frozen=True, slots=True)
class MeasuredCall:
    """A call and what it means.

    Tokens are those that the provider processed, None where neither usage was reported nor content
    captured; `estimated` where any of them was not reported. A cache hit took 0 tokens and 0 USD; what
    it saved stands in `call`. `cost_usd` is None, with `unpriced_reason`, where no price is known.
    A cost that was stated with the call is its cost; `listed_usd` is then what it is by the price list, None
    where that is not known, and where no cost was stated. `misrouted` is None where the routing policy has
    no say.
    """

    call: LLMCall
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    estimated: bool
    cost_usd: Decimal | None
    unpriced_reason: str | None
    price_version: str | None
    listed_usd: Decimal | None
    route: Route
    misrouted: bool | None

    @property
    def is_stated_otherwise(self) -> bool:
        """Whether the stated cost differs from the list's by more than `STATED_TOLERANCE` of the list's."""
        if self.listed_usd is None or self.cost_usd is None:
            return False
        return abs(self.cost_usd - self.listed_usd) > STATED_TOLERANCE * self.listed_usd


@dataclass(frozen=True, slots=True)
class MeasuredEmbedding:
    """An embedding call and what it cost.

    `input_tokens` are None where the provider reported none, and are never estimated: the texts are not
    kept. `cost_usd` is None, with `unpriced_reason`, where no price is known. It has no output, and no
    routing policy judges it.
    """

    call: EmbeddingCall
    input_tokens: int | None
    cost_usd: Decimal | None
    unpriced_reason: str | None
    price_version: str | None


class Meter:
    """Measures calls under one price list and one routing policy."""

    def __init__(self, prices: PriceList | None = None, policy: RoutingPolicy | None = None) -> None:
        self.prices = prices or PriceList()
        self.policy = policy or RoutingPolicy()

    @property
    def version(self) -> str:
        """Names the prices and the policy: figures under equal versions are equal."""
        return f"{self.prices.version}; {self.policy.version}"

    @overload
    def measure(self, call: LLMCall) -> MeasuredCall: ...
    @overload
    def measure(self, call: EmbeddingCall) -> MeasuredEmbedding: ...
    def measure(self, call: LLMCall | EmbeddingCall) -> MeasuredCall | MeasuredEmbedding:
        """`call` with its figures; the same call gives the same figures until prices or policy change.

        Takes microseconds where usage was reported. An estimate loads an encoding first (0.3 s and 95 MB,
        once a process), so this is never called in a callback of a live chain.
        """
        return self._llm(call) if isinstance(call, LLMCall) else self._embedding(call)

    def _llm(self, call: LLMCall) -> MeasuredCall:
        tokens = count_tokens(call)
        inputs, outputs = tokens.input_tokens, tokens.output_tokens
        price = self.prices.price(call, inputs, outputs)
        stated = call.stated_cost_usd is not None
        return MeasuredCall(
            call=call,
            input_tokens=inputs,
            output_tokens=outputs,
            total_tokens=None if inputs is None or outputs is None else inputs + outputs,
            estimated=tokens.estimated,
            cost_usd=price.cost_usd,
            unpriced_reason=price.unpriced_reason,
            price_version=price.price_version,
            listed_usd=self.prices.listed(call, inputs, outputs).cost_usd if stated else None,
            route=(call.task_type, call.served_model),
            misrouted=self.policy.misrouted(call.task_type, call.served_model or call.requested_model),
        )

    def _embedding(self, call: EmbeddingCall) -> MeasuredEmbedding:
        price = self.prices.price_embedding(call)
        return MeasuredEmbedding(
            call=call,
            input_tokens=0 if call.status == "cache_hit" else call.input_tokens,
            cost_usd=price.cost_usd,
            unpriced_reason=price.unpriced_reason,
            price_version=price.price_version,
        )
