"""Everything that a summary of a journal says, in one pass over its facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from examsgraph_callbacks.analytics.calls import CallReport, CallTally
from examsgraph_callbacks.analytics.explorations import ExplorationReport, ExplorationTally
from examsgraph_callbacks.analytics.feedback import FeedbackReport, FeedbackTally
from examsgraph_callbacks.events import EmbeddingCall, Exploration, Fact, LLMCall, Trace
from examsgraph_callbacks.measure import Meter

__all__ = ["Report", "report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a journal's facts amount to; `began` and `ended` (UTC) are None where there are no facts.

    `turns` counts traces, of which `failed_turns` ended with an error.
    """

    facts: int
    began: datetime | None
    ended: datetime | None
    turns: int
    failed_turns: int
    calls: CallReport
    explorations: ExplorationReport
    feedback: FeedbackReport


def report(facts: Iterable[Fact], meter: Meter) -> Report:
    """The report on `facts`, which come in the order in which they were written, measured by `meter`.

    Reads the facts once and keeps none of them; memory grows with the number of calls (their
    latencies, 8 bytes each) and of turns.
    """
    count = turns = failed_turns = 0
    began: datetime | None = None
    ended: datetime | None = None
    calls, explorations, feedback = CallTally(), ExplorationTally(), FeedbackTally()
    for fact in facts:
        count += 1
        began = fact.started_at if began is None else min(began, fact.started_at)
        ended = fact.ended_at if ended is None else max(ended, fact.ended_at)
        feedback.add(fact)
        match fact:
            case Trace():
                turns += 1
                failed_turns += fact.status == "error"
            case LLMCall() | EmbeddingCall():
                calls.add(meter.measure(fact))
            case Exploration():
                explorations.add(fact)
            case _:
                pass
    return Report(
        facts=count,
        began=began,
        ended=ended,
        turns=turns,
        failed_turns=failed_turns,
        calls=calls.report(),
        explorations=explorations.report(),
        feedback=feedback.report(),
    )
