"""What an arm amounts to: the ratio of two sums over its learners, and how sure it is, by the delta method.

Learners are what varies independently, and not their messages: a learner's reactions are alike. For the
ratio R = ΣY/ΣM over n learners the delta method (Deng, Knoblich and Lu, KDD 2018, "Applying the Delta
Method in Metric Analytics") gives Var(R) = n s² / (ΣM)², with s² the variance of Y - R M.
"""

from dataclasses import dataclass

__all__ = ["Difference", "Sums", "difference"]


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the learners of an arm: how many, and the sums of Y, M, Y², YM and M².

    Y is a learner's sum of the numerator (thumbs up, say), M of the denominator (thumbs up and down).
    Arrays of many arms do as well as numbers of one.
    """

    learners: float
    y: float
    m: float
    yy: float
    ym: float
    mm: float

    @property
    def ratio(self) -> float:
        """ΣY/ΣM."""
        return self.y / self.m

    @property
    def variance(self) -> float:
        """Of the ratio."""
        ratio = self.ratio
        residuals = self.yy - 2 * ratio * self.ym + ratio * ratio * self.mm
        return self.learners / (self.learners - 1) * residuals / (self.m * self.m)


@dataclass(frozen=True, slots=True)
class Difference:
    """A variant's ratio less the control's, with its standard error."""

    estimate: float
    standard_error: float

    @property
    def information(self) -> float:
        """One over the variance."""
        return 1 / (self.standard_error * self.standard_error)


def difference(variant: Sums, control: Sums) -> Difference:
    """Variant less control; the arms are independent."""
    return Difference(variant.ratio - control.ratio, (variant.variance + control.variance) ** 0.5)
