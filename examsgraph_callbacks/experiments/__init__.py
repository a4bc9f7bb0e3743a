"""Prompt experiments: hand variants out to learners, compare them, and decide which teaches better."""

from examsgraph_callbacks.experiments.definition import experiment_from, load_experiments
from examsgraph_callbacks.experiments.experiment import (
    Assignment,
    Holdout,
    Namespace,
    PromptExperiment,
    RampStep,
)
from examsgraph_callbacks.experiments.handing_out import HandedOut, PromptHandout
from examsgraph_callbacks.experiments.judging import Judged, Judging
from examsgraph_callbacks.experiments.metrics import METRICS, Metric, MetricName
from examsgraph_callbacks.experiments.opinions import Judge
from examsgraph_callbacks.experiments.running import ExperimentSoFar, ExperimentsSoFar, VariantSoFar
from examsgraph_callbacks.experiments.verdicts import (
    Arm,
    Comparison,
    ExperimentReport,
    MetricDifference,
    Verdict,
    report_experiment,
)

__all__ = [
    "METRICS",
    "Arm",
    "Assignment",
    "Comparison",
    "ExperimentReport",
    "ExperimentSoFar",
    "ExperimentsSoFar",
    "HandedOut",
    "Holdout",
    "Judge",
    "Judged",
    "Judging",
    "Metric",
    "MetricDifference",
    "MetricName",
    "Namespace",
    "PromptExperiment",
    "PromptHandout",
    "RampStep",
    "VariantSoFar",
    "Verdict",
    "experiment_from",
    "load_experiments",
    "report_experiment",
]
