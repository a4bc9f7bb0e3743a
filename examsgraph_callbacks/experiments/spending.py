"""The boundary under which looking daily is allowed: group-sequential, by a spending function of information.

- Spending: Lan and DeMets, Biometrika 70 (1983), 659-663, the function that is like O'Brien and Fleming's,
  two-sided and symmetrical: 4 - 4 Φ(z / √t) with z the upper α/4 quantile is spent at the fraction t of
  the planned information.
- Boundaries and power: the recursive integration of Armitage, McPherson and Rowe, J. R. Stat. Soc. A 132
  (1969), 235-244, by Gauss-Legendre quadrature. With 5 equal looks at α = 0.05 it gives 4.877, 3.357, 2.680,
  2.290, 2.031, as published (Jennison and Turnbull, Group Sequential Methods, 2000, chapter 7).
- Looks by information instead of by time: Scharfstein, Tsiatis and Robins, J. Am. Stat. Assoc. 92 (1997),
  1342-1350: estimates at successive looks are then as if their increments were independent.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from examsgraph_callbacks.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers: TypeAlias = npt.NDArray[np.float64]

__all__ = ["SMALLEST_STEP", "Boundary", "drift_needed", "power_of", "require_extra", "spent"]

SMALLEST_STEP = 0.01
"""Of the planned information: a look that adds less to the one before is no look."""

_NODES = 120
_TAIL = 8.0  # standard deviations, beyond which there is nothing
_NOTHING = 1e-13  # a probability that is none


def require_extra() -> None:
    """Raise `MissingExtraError` where the libraries of the verdict are not installed."""
    try:
        import scipy  # noqa: F401
        import statsmodels  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "scipy", "experiments") from error


def spent(significance: float, fraction: float) -> float:
    """How much of the `significance` (two-sided) may be spent when so much of the information is in."""
    from scipy.special import ndtr, ndtri

    if fraction >= 1:
        return significance
    if fraction <= 0:
        return 0.0
    quantile = float(-ndtri(significance / 4))
    return float(4 * ndtr(-quantile / fraction**0.5))


class Boundary:
    """Takes looks one after the other, and says how large |z| has to be at each to end it.

    Holds the density of the score under no difference, of all experiments that have not ended before.
    """

    def __init__(self, significance: float) -> None:
        self._significance = significance
        self._density: _Density | None = None

    def next(self, fraction: float) -> float:
        """The critical |z| at a look with this fraction of the planned information, infinite for none.

        Fractions grow by `SMALLEST_STEP` at least, and end at 1.
        """
        before = 0.0 if self._density is None else self._density.fraction
        to_spend = spent(self._significance, fraction) - spent(self._significance, before)
        bound = _bound(self._density, fraction, to_spend)
        self._density = _after(self._density, fraction, bound, 0.0)
        return bound / float(fraction**0.5)


def power_of(drift: float, fractions: Sequence[float], critical: Sequence[float]) -> float:
    """The probability to end on the upper side, where E[z] is `drift` at full information."""
    density: _Density | None = None
    ended = 0.0
    for fraction, value in zip(fractions, critical, strict=True):
        bound = value * fraction**0.5
        ended += _beyond(density, fraction, bound, drift)
        density = _after(density, fraction, bound, drift)
    return ended


@lru_cache(maxsize=64)
def drift_needed(significance: float, power: float, looks: int) -> float:
    """The expected z at full information with which `looks` equally spaced looks find it with `power`.

    One look takes z(α/2) + z(β); more looks take 1 to 2% more.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    boundary = Boundary(significance)
    # more looks than there are steps are as good as continuous, and count no further
    count = min(looks, round(1 / SMALLEST_STEP))
    fractions = [(number + 1) / count for number in range(count)]
    critical = [boundary.next(fraction) for fraction in fractions]
    fixed = float(-ndtri(significance / 2) + ndtri(power))
    return float(
        brentq(
            lambda drift: power_of(drift, fractions, critical) - power, 0.9 * fixed, 1.3 * fixed, xtol=1e-6
        )
    )


class _Density:
    """The score's density at the quadrature's nodes, of what has not ended."""

    def __init__(self, fraction: float, nodes: "Numbers", weighted: "Numbers") -> None:
        self.fraction = fraction
        self.nodes = nodes
        self.weighted = weighted


def _bound(density: _Density | None, fraction: float, to_spend: float) -> float:
    """The |score| beyond which lies `to_spend`, of what has not ended; infinite where that is nothing."""
    from scipy.optimize import brentq

    if to_spend < _NOTHING:
        return float("inf")

    def surplus(bound: float) -> float:
        return 2 * _beyond(density, fraction, bound, 0.0) - to_spend

    highest = _TAIL * fraction**0.5
    return float(brentq(surplus, 0.0, highest, xtol=1e-9)) if surplus(highest) < 0 else highest


def _beyond(density: _Density | None, fraction: float, bound: float, drift: float) -> float:
    """The probability to be above the bound at this look and not to have ended before."""
    import numpy as np
    from scipy.special import ndtr

    if density is None:
        return float(ndtr((drift * fraction - bound) / fraction**0.5))
    step = fraction - density.fraction
    above = ndtr((density.nodes + drift * step - bound) / step**0.5)
    return float(np.dot(density.weighted, above))


def _after(density: _Density | None, fraction: float, bound: float, drift: float) -> _Density:
    """The density at this look of what stays within the bound."""
    import numpy as np

    widest = _TAIL * fraction**0.5 + abs(drift) * fraction
    places, weights = _quadrature()
    half = min(bound, widest)
    nodes = half * places
    if density is None:
        centre, step = np.zeros(1), fraction
        mass = np.ones(1)
    else:
        centre, step = density.nodes, fraction - density.fraction
        mass = density.weighted
    distance = (nodes[:, None] - centre[None, :] - drift * step) / step**0.5
    values = np.exp(-0.5 * distance * distance) @ mass / (2 * np.pi * step) ** 0.5
    return _Density(fraction, nodes, values * weights * half)


@lru_cache(maxsize=1)
def _quadrature() -> "tuple[Numbers, Numbers]":
    import numpy as np

    places, weights = np.polynomial.legendre.leggauss(_NODES)
    return places, weights
