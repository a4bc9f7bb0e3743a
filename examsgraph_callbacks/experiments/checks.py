"""Whether the numbers may be believed: if learners were handed out as planned, and how many answered."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MISMATCH", "MIXED", "Share", "response_rate", "responses_differ", "sample_ratio_p_value"]

MISMATCH = 0.001
"""A sample-ratio mismatch with a p-value below this withholds the verdict.

The threshold of Fabijan and others, KDD 2019, "Diagnosing Sample Ratio Mismatch", is 0.0005, that of
Kohavi, Tang and Xu, "Trustworthy Online Controlled Experiments" (2020), 0.001.
"""

MIXED = 0.01
"""With more than this share of learners who were given several variants there is no verdict."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95% confidence interval; None where there is nothing to share."""

    value: float
    low: float
    high: float


def sample_ratio_p_value(counts: Sequence[int], weights: Sequence[float]) -> float:
    """How likely counts that far from the planned `weights` are, where all went well (chi-square test)."""
    from scipy.stats import chisquare

    total, of_weights = sum(counts), sum(weights)
    if not total:
        return 1.0
    return float(chisquare(counts, [total * weight / of_weights for weight in weights]).pvalue)


def response_rate(answered: int, exposures: int) -> Share | None:
    """The share of exposures that had a reaction, with Wilson's interval (J. Am. Stat. Assoc. 22, 1927)."""
    from statsmodels.stats.proportion import proportion_confint

    if not exposures:
        return None
    low, high = proportion_confint(answered, exposures, method="wilson")
    return Share(answered / exposures, float(low), float(high))


def responses_differ(answered: Sequence[int], exposures: Sequence[int]) -> bool:
    """Whether the arms react more or less often than each other, beyond chance (p < 0.001)."""
    from scipy.stats import chi2_contingency

    silent = [of - some for some, of in zip(answered, exposures, strict=True)]
    if not sum(answered) or not sum(silent) or not all(exposures):
        return False
    return bool(chi2_contingency([list(answered), silent]).pvalue < MISMATCH)
