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
from examsgraph_callbacks.experiments.metrics import METRICS, Metric, MetricName

__all__ = [
    "METRICS",
    "Assignment",
    "HandedOut",
    "Holdout",
    "Metric",
    "MetricName",
    "Namespace",
    "PromptExperiment",
    "PromptHandout",
    "RampStep",
    "experiment_from",
    "load_experiments",
]
