"""The boundary is the published one, spends what it may, and has the power that it promises."""

import pytest
from scipy.stats import norm

from examsgraph_callbacks.experiments.ratios import Difference, Sums, difference
from examsgraph_callbacks.experiments.sequence import follow
from examsgraph_callbacks.experiments.spending import Boundary, drift_needed, power_of, spent


def boundary(looks: int, significance: float = 0.05) -> list[float]:
    taking = Boundary(significance)
    return [taking.next((number + 1) / looks) for number in range(looks)]


@pytest.mark.parametrize(
    ("looks", "published"),
    [
        (2, [2.963, 1.969]),
        (3, [3.710, 2.511, 1.993]),
        (4, [4.333, 2.963, 2.359, 2.014]),
        (5, [4.877, 3.357, 2.680, 2.290, 2.031]),
    ],
)
def test_it_is_the_published_one_for_equal_looks(looks: int, published: list[float]) -> None:
    assert boundary(looks) == pytest.approx(published, abs=6e-4)


@pytest.mark.parametrize("looks", [1, 7, 28, 100])
@pytest.mark.parametrize("significance", [0.05, 0.025, 0.01])
def test_all_looks_together_spend_the_significance(looks: int, significance: float) -> None:
    fractions = [(number + 1) / looks for number in range(looks)]
    critical = boundary(looks, significance)
    assert 2 * power_of(0.0, fractions, critical) == pytest.approx(significance, rel=1e-6)
    assert spent(significance, 1.0) == significance
    assert spent(significance, 0.0) == 0.0


def test_one_look_needs_what_a_fixed_sample_needs_and_many_hardly_more() -> None:
    fixed = norm.ppf(0.975) + norm.ppf(0.8)
    assert drift_needed(0.05, 0.8, 1) == pytest.approx(fixed, rel=1e-5)
    assert 1.02 < (drift_needed(0.05, 0.8, 28) / fixed) ** 2 < 1.06


def test_a_difference_is_decided_at_the_look_that_crosses_it_and_later_looks_do_not_undo_it() -> None:
    looks = [Difference(0.3, 0.4), Difference(0.3, 0.1), Difference(0.1, 0.08)]
    course = follow(looks, information=1 / 0.08**2, significance=0.05)
    assert course.decided is not None
    assert course.decided.place == 1
    assert course.is_complete
    assert course.last is not None
    assert course.last.low < 0 < course.last.high


def test_looks_after_the_planned_information_do_not_count() -> None:
    looks = [Difference(0.0, 0.1), Difference(0.9, 0.05)]
    assert follow(looks, information=100, significance=0.05).decided is None


def test_looks_without_a_variance_and_with_next_to_no_news_are_passed_over() -> None:
    looks = [None, Difference(0.1, 0.0), Difference(0.1, float("nan")), Difference(0.1, 0.2)]
    course = follow([*looks, Difference(0.1, 0.1999)], information=100, significance=0.05)
    assert [seen.place for seen in course.taken] == [3]


def test_the_delta_method_is_what_resampling_learners_gives() -> None:
    import numpy as np

    dice = np.random.default_rng(3)
    m = dice.poisson(3, 2_000) + 0.0
    y = dice.binomial(m.astype(int), dice.beta(2, 1, m.size)) + 0.0
    sums = Sums(m.size, y.sum(), m.sum(), (y * y).sum(), (y * m).sum(), (m * m).sum())
    picks = dice.integers(0, m.size, (4_000, m.size))
    resampled = y[picks].sum(axis=1) / m[picks].sum(axis=1)

    assert sums.variance**0.5 == pytest.approx(resampled.std(), rel=0.04)
    assert difference(sums, sums).standard_error == pytest.approx(sums.variance**0.5 * 2**0.5)
