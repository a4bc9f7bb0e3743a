"""From what was reported to the fields of the fact that records it."""

from examsgraph_callbacks.capture import Clock
from examsgraph_callbacks.capture.clock import utc
from examsgraph_callbacks.events import (
    SCHEMA_VERSION,
    ConceptResource,
    Exploration,
    Fact,
    Feedback,
    LLMCall,
    PromptComparison,
)
from examsgraph_callbacks.tracker.reports import (
    ConceptResourceReport,
    CostReport,
    ExplorationReport,
    FeedbackReport,
    HopReport,
    PromptReport,
)

__all__ = ["AnyReport", "fact_of"]

AnyReport = ExplorationReport | PromptReport | FeedbackReport | CostReport | ConceptResourceReport

Fields = dict[str, object]


def fact_of(report: AnyReport, clock: Clock) -> tuple[type[Fact], Fields]:
    """The kind of fact that records `report`, and its fields, those that are None left out.

    The fact is complete now, and began as long before as the report says that it took.
    """
    kind: type[Fact]
    latency_ms = 0.0
    match report:
        case FeedbackReport():
            kind, fields = Feedback, _feedback(report)
        case CostReport():
            kind, fields = LLMCall, {**_call(report), **_run(report.trace_id, clock)}
            latency_ms = report.latency_ms
        case ExplorationReport():
            kind, fields = Exploration, {**_exploration(report), **_run(report.trace_id, clock)}
            latency_ms = report.latency_ms or 0.0
        case PromptReport():
            kind, fields = PromptComparison, report.model_dump(exclude_none=True)
        case ConceptResourceReport():
            kind, fields = ConceptResource, _resource(report)
    fields = {
        "kind": kind.model_fields["kind"].default,
        "schema_version": SCHEMA_VERSION,
        "event_id": clock.new_id(),
        "started_at": utc(clock.wall_ns() - round(latency_ms * 1e6)),
        **fields,
    }
    return kind, {name: value for name, value in fields.items() if value is not None}


def _run(trace_id: str | None, clock: Clock) -> Fields:
    """Where a run stands: under the root of the turn that it belongs to, else alone."""
    return {"run_id": clock.new_id(), "trace_id": trace_id, "parent_run_id": trace_id}


def _feedback(report: FeedbackReport) -> Fields:
    fields = report.model_dump(exclude={"user_feedback"})
    return {**fields, "feedback_type": report.feedback_type or report.user_feedback}


def _call(report: CostReport) -> Fields:
    fields = report.model_dump(exclude={"model_name", "estimated_cost"})
    return {
        **fields,
        "served_model": report.model_name,
        "usage_source": "reported",
        "status": "ok",
        "stated_cost_usd": report.estimated_cost,
    }


def _exploration(report: ExplorationReport) -> Fields:
    params = report.retrieval_params
    bounds = params.model_dump(exclude_none=True, exclude={"threshold"})
    if params.threshold is not None:
        bounds["similarity_threshold"] = params.threshold
    return {
        **report.model_dump(exclude={"graph_path"}),
        "source": "caller",
        "status": "ok",
        "latency_ms": report.latency_ms or 0.0,
        "retrieval_params": bounds,
        "hops": _hops(report.graph_path),
    }


def _hops(path: list[HopReport]) -> list[Fields]:
    """The hops as followed ones, each a level below the one that led to its node."""
    levels: dict[str, int] = {}
    hops: list[Fields] = []
    for hop in path:
        depth = levels.get(hop.node, 0) + 1
        levels.setdefault(hop.next_node, depth)
        hops.append({**hop.model_dump(exclude_none=True), "depth": depth, "verdict": "followed"})
    return hops


def _resource(report: ConceptResourceReport) -> Fields:
    return {**report.model_dump(exclude={"kind"}), "resource_kind": report.kind}
