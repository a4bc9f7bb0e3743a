"""Intervals that hold at any time, for what no sample was planned for: the other metrics.

Asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central
limit theory and asymptotic confidence sequences", Ann. Stat. 52 (2024), theorem 2.2, tightest at about
`TIGHTEST` learners by their equation for ρ.
"""

from math import log, sqrt

from examsgraph_callbacks.experiments.ratios import Difference

__all__ = ["TIGHTEST", "anytime_interval"]

TIGHTEST = 1_000


def anytime_interval(difference: Difference, learners: float, significance: float) -> tuple[float, float]:
    """Holds the true difference at all times at once, with the confidence 1 - `significance`."""
    tuned = -2 * log(significance)
    rho_squared = (tuned + log(tuned) + 1) / TIGHTEST
    grown = learners * rho_squared + 1
    half = difference.standard_error * sqrt(
        2 * grown / (learners * rho_squared) * log(sqrt(grown) / significance)
    )
    return difference.estimate - half, difference.estimate + half
