"""How many learners an experiment takes, before there are any."""

from math import ceil

from examsgraph_callbacks.experiments.experiment import PromptExperiment
from examsgraph_callbacks.experiments.spending import drift_needed, require_extra

__all__ = ["learners_needed"]


def learners_needed(experiment: PromptExperiment, deviation: float) -> dict[str, int]:
    """The learners of each variant that find the smallest difference that matters, with the planned power.

    `deviation` is the standard deviation of a learner's own average in the primary metric. It is the
    sample of one look (normal approximation, statsmodels) times what looking daily costs, which is 3 to 5%.
    """
    require_extra()
    from statsmodels.stats.power import NormalIndPower

    control, *variants = experiment.variants
    significance = experiment.significance / len(variants)
    looked_once = drift_needed(significance, experiment.power, 1)
    inflation = (drift_needed(significance, experiment.power, experiment.planned_looks) / looked_once) ** 2
    shares = experiment.shares
    total = 0.0
    for variant in variants:
        of_control = NormalIndPower().solve_power(
            experiment.effect / deviation,
            alpha=significance,
            power=experiment.power,
            ratio=shares[variant] / shares[control],
        )
        total = max(total, float(of_control) * inflation / shares[control])
    return {name: ceil(total * share) for name, share in shares.items()}
