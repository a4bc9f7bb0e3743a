"""A trace's cost in MLflow is the exact sum of its calls' costs, though MLflow adds up floats."""

import random
from decimal import Decimal

import pytest
from mlflow.tracing.utils import SpanAggregationNode, aggregate_cost_from_span_nodes

from examsgraph_callbacks.deliver.adding_up import costs_that_add_up, floats_that_add_up
from examsgraph_callbacks.deliver.measured import CallCost


def random_cost(dice: random.Random) -> CallCost:
    """What a call of gpt-4o or gpt-4o-mini costs."""
    into, out = dice.choice([(Decimal("2.5"), Decimal(10)), (Decimal("0.15"), Decimal("0.6"))])
    into_usd = into * dice.randint(5, 3000) / 10**6
    return CallCost(into_usd + out * dice.randint(5, 900) / 10**6, into_usd)


def test_floats_do_not_add_up_by_themselves() -> None:
    values = [Decimal("0.1"), Decimal("0.2")]
    assert [float(value) for value in values] != floats_that_add_up(values) == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize("calls", [1, 2, 3, 7, 40, 300])
def test_as_mlflow_adds_them_up_the_costs_are_the_exact_sum(calls: int) -> None:
    dice = random.Random(calls)
    for _ in range(2000 // calls):
        costs = {f"call {number}": random_cost(dice) for number in range(calls)}
        # no call stands under another one: MLflow would take the upper one's cost for both
        steps = [("root", None), *((f"step {number}", "root") for number in range(3))]
        tree = [*steps, *((name, dice.choice(steps)[0]) for name in costs)]
        dice.shuffle(tree)

        shown = costs_that_add_up(tree, costs)

        nodes = [SpanAggregationNode(span_id, parent_id, shown.get(span_id)) for span_id, parent_id in tree]
        assert aggregate_cost_from_span_nodes(nodes) == {
            "input_cost": float(sum(cost.input_usd for cost in costs.values())),
            "output_cost": float(sum(cost.output_usd for cost in costs.values())),
            "total_cost": float(sum(cost.total_usd for cost in costs.values())),
        }
        for name, cost in costs.items():
            assert shown[name]["total_cost"] == pytest.approx(float(cost.total_usd), rel=1e-11)
