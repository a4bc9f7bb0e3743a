"""What MLflow's own Overview page asks of the traces and shows as its figures is what the journal says."""

from decimal import Decimal

import pytest
from mlflow import MlflowClient
from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType

from examsgraph_callbacks.events import Feedback, LLMCall, Trace
from examsgraph_callbacks.measure import MeasuredCall, Meter
from tests.deliver.readback import experiment_id
from tests.deliver.taught import lesson


@pytest.fixture
def calls() -> list[MeasuredCall]:
    meter = Meter()
    return [meter.measure(fact) for fact in lesson() if isinstance(fact, LLMCall)]


def figures(
    tracking_uri: str,
    of: MetricViewType,
    name: str,
    how: AggregationType = AggregationType.SUM,
    by: str | None = None,
) -> dict[str | None, float]:
    """The page's figure, by the values of what it is split by."""
    store = MlflowClient(tracking_uri=tracking_uri)._tracking_client.store
    points = store.query_trace_metrics(
        experiment_ids=[experiment_id(tracking_uri, "ExamsGraph")],
        view_type=of,
        metric_name=name,
        aggregations=[MetricAggregation(how)],
        dimensions=[by] if by else None,
    )
    return {point.dimensions.get(by) if by else None: next(iter(point.values.values())) for point in points}


def test_it_counts_turns_and_their_latency(taught: str) -> None:
    turns = [fact for fact in lesson() if isinstance(fact, Trace)]
    count = figures(taught, MetricViewType.TRACES, "trace_count", AggregationType.COUNT)
    assert count == {None: len(turns)}
    latency = figures(taught, MetricViewType.TRACES, "latency", AggregationType.AVG)
    assert latency == {None: sum(fact.latency_ms for fact in turns) / len(turns)}


@pytest.mark.parametrize("part", ["input_tokens", "output_tokens", "total_tokens"])
def test_its_tokens_are_ours(part: str, taught: str, calls: list[MeasuredCall]) -> None:
    assert figures(taught, MetricViewType.TRACES, part) == {None: sum(getattr(call, part) for call in calls)}


def test_its_cost_by_model_is_ours(taught: str, calls: list[MeasuredCall]) -> None:
    ours: dict[str | None, Decimal] = {}
    for call in calls:
        assert call.cost_usd is not None
        ours[call.call.served_model] = ours.get(call.call.served_model, Decimal(0)) + call.cost_usd
    shown = figures(taught, MetricViewType.SPANS, "total_cost", by="span_model_name")
    assert shown == {model: pytest.approx(float(cost), abs=1e-15) for model, cost in ours.items()}


def test_its_quality_is_what_learners_said(taught: str) -> None:
    said = [fact for fact in lesson() if isinstance(fact, Feedback)]
    scores = [fact.understanding_score for fact in said if fact.understanding_score is not None]
    shown = figures(
        taught, MetricViewType.ASSESSMENTS, "assessment_value", AggregationType.AVG, "assessment_name"
    )
    assert shown["understanding_score"] == sum(scores) / len(scores)
    assert shown["satisfaction"] == pytest.approx(2 / 3)
