"""Looked at daily, no difference is found where there is none, and a true one as often as was promised.

The full size, and the README's table:  pytest -m soak -s tests/experiments/test_simulations.py
"""

import pytest

from tests.experiments.simulation import DAYS, EFFECT, POWER, Outcomes, simulated, simulated_three


def check(none: Outcomes, lifted: Outcomes) -> None:
    assert none.decided <= 0.05 * none.experiments
    assert lifted.better == pytest.approx(POWER * lifted.experiments, abs=0.03 * lifted.experiments)
    assert none.complete == none.experiments


def test_a_few_experiments() -> None:
    none, lifted = simulated(100, 0.0, seed=5), simulated(100, EFFECT, seed=6)
    # of so few chance alone may take some more: the binomial's 99.9% bounds
    assert none.decided <= 13
    assert 66 <= lifted.better <= 92
    assert none.naive_daily > 25


@pytest.mark.soak
def test_two_thousand_without_a_difference_and_two_thousand_with_one() -> None:
    none, lifted = simulated(2_000, 0.0, seed=11), simulated(2_000, EFFECT, seed=12)
    rows = [
        ("z-test over messages, daily", none.naive_daily, lifted.naive_daily),
        ("z-test over messages, once at the end", none.naive_once, lifted.naive_once),
        ("z-test over learners, daily", none.learners_daily, lifted.learners_daily),
        ("this verdict, daily", none.decided, lifted.better),
    ]
    lines = [f"2,000 experiments each, {DAYS} daily looks, {POWER:.0%} promised for a lift of {EFFECT}"]
    lines += [f"| {name} | {false / 2_000:.1%} | {true / 2_000:.1%} |" for name, false, true in rows]
    lines += [f"{lifted.worse} worse where better; decided on day {lifted.days_to_decide:.1f} on average"]
    print("\n" + "\n".join(lines))  # noqa: T201 - the table is what it is run for
    check(none, lifted)


@pytest.mark.soak
def test_two_thousand_with_three_variants_that_are_all_alike() -> None:
    found = simulated_three(2_000, seed=13)
    print(f"\nthree variants alike: {found / 2_000:.1%} find a difference")  # noqa: T201
    assert found <= 0.05 * 2_000
