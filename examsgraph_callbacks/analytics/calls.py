"""LLM calls by task type and model, embedding calls by model, both by user, and what went wrong with them."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

from examsgraph_callbacks.analytics.figures import CallFigures, Cost, CostTally, FiguresTally, Measured
from examsgraph_callbacks.measure import MeasuredCall

__all__ = [
    "CallError",
    "CallGroup",
    "CallReport",
    "CallTally",
    "EmbeddingGroup",
    "Misroute",
    "StatedCost",
    "UserCost",
]


@dataclass(frozen=True, slots=True)
class CallGroup:
    """The calls of one task type that one model served; `model` is the requested one where none answered."""

    task_type: str | None
    model: str | None
    figures: CallFigures


@dataclass(frozen=True, slots=True)
class EmbeddingGroup:
    """The calls of one embedding model; `model` is the requested one where none answered."""

    model: str | None
    figures: CallFigures


@dataclass(frozen=True, slots=True)
class UserCost:
    """What one user's calls cost, those of embedding models too; `user_id` None gathers nobody's."""

    user_id: str | None
    calls: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Misroute:
    """A call whose model the routing policy does not allow for its task type."""

    event_id: str
    trace_id: str | None
    user_id: str | None
    task_type: str | None
    model: str | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class StatedCost:
    """The calls of one model whose stated cost is more than `STATED_TOLERANCE` off the list price.

    Their cost is `stated_usd`, which is used everywhere; by the list it is `listed_usd`.
    """

    model: str | None
    calls: int
    stated_usd: Decimal
    listed_usd: Decimal


@dataclass(frozen=True, slots=True)
class CallError:
    """How often calls of one model ended in one type of error, and what the last of them said."""

    model: str | None
    error_type: str | None
    count: int
    last_message: str | None


@dataclass(frozen=True, slots=True)
class CallReport:
    """Groups and stated costs in the order of their names, users by falling cost, errors by count.

    `total` is of all calls; misroutes, output and times in it are the LLM calls' alone. `price_versions`
    names the price lists by which the calls were priced.
    """

    total: CallFigures
    groups: tuple[CallGroup, ...]
    embeddings: tuple[EmbeddingGroup, ...]
    users: tuple[UserCost, ...]
    misroutes: tuple[Misroute, ...]
    errors: tuple[CallError, ...]
    stated_otherwise: tuple[StatedCost, ...]
    price_versions: tuple[str, ...]

    @property
    def llm_calls(self) -> int:
        """How many of the calls were of a model that answers."""
        return self.total.calls - self.embedding_calls

    @property
    def embedding_calls(self) -> int:
        """How many of the calls were of a model that embeds."""
        return sum(group.figures.calls for group in self.embeddings)

    @property
    def average_user_cost_usd(self) -> Decimal | None:
        """The mean over the users of whose calls some have a price; None where there are none."""
        costs = [user.cost.usd for user in self.users if user.user_id and user.cost.usd is not None]
        return sum(costs, Decimal(0)) / len(costs) if costs else None


class CallTally:
    """Takes measured calls one by one."""

    def __init__(self) -> None:
        self._answers = FiguresTally()
        self._embeddings = FiguresTally()
        self._groups: defaultdict[tuple[str | None, str | None], FiguresTally] = defaultdict(FiguresTally)
        self._embedding_groups: defaultdict[str | None, FiguresTally] = defaultdict(FiguresTally)
        self._users: defaultdict[str | None, CostTally] = defaultdict(CostTally)
        self._misroutes: list[Misroute] = []
        self._stated: dict[str | None, StatedCost] = {}
        self._errors: Counter[tuple[str | None, str | None]] = Counter()
        self._messages: dict[tuple[str | None, str | None], str | None] = {}
        self._price_versions: set[str] = set()

    def add(self, measured: Measured) -> None:
        """Count one more call."""
        call = measured.call
        model = call.served_model or call.requested_model
        if isinstance(measured, MeasuredCall):
            self._add_answer(measured, model)
        else:
            self._embeddings.add(measured)
            self._embedding_groups[model].add(measured)
        self._users[call.user_id].add(measured)
        if measured.price_version is not None:
            self._price_versions.add(measured.price_version)
        if call.error_type is not None:
            self._errors[model, call.error_type] += 1
            self._messages[model, call.error_type] = call.error_message

    def _add_answer(self, measured: MeasuredCall, model: str | None) -> None:
        call = measured.call
        self._answers.add(measured)
        self._groups[call.task_type, model].add(measured)
        if measured.is_stated_otherwise:
            before = self._stated.get(model, StatedCost(model, 0, Decimal(0), Decimal(0)))
            self._stated[model] = StatedCost(
                model,
                before.calls + 1,
                before.stated_usd + (measured.cost_usd or 0),
                before.listed_usd + (measured.listed_usd or 0),
            )
        if measured.misrouted:
            self._misroutes.append(
                Misroute(
                    event_id=call.event_id,
                    trace_id=call.trace_id,
                    user_id=call.user_id,
                    task_type=call.task_type,
                    model=model,
                    cost_usd=measured.cost_usd,
                ),
            )

    def report(self) -> CallReport:
        """What the calls so far amount to."""
        groups = [CallGroup(*key, tally.figures()) for key, tally in self._groups.items()]
        embeddings = [EmbeddingGroup(name, tally.figures()) for name, tally in self._embedding_groups.items()]
        users = [UserCost(user_id, tally.calls, tally.cost()) for user_id, tally in self._users.items()]
        return CallReport(
            total=self._answers.figures().with_embeddings(self._embeddings.figures()),
            groups=tuple(sorted(groups, key=lambda group: (group.task_type or "", group.model or ""))),
            embeddings=tuple(sorted(embeddings, key=lambda group: group.model or "")),
            users=tuple(sorted(users, key=lambda user: (-(user.cost.usd or 0), user.user_id or ""))),
            misroutes=tuple(self._misroutes),
            errors=tuple(
                CallError(*key, count, self._messages[key]) for key, count in self._errors.most_common()
            ),
            stated_otherwise=tuple(sorted(self._stated.values(), key=lambda stated: stated.model or "")),
            price_versions=tuple(sorted(self._price_versions)),
        )
