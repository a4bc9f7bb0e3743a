"""Delivery to MLflow: a journal's turns as traces, its explorations as runs, each exactly once."""

from examsgraph_callbacks.defaults import default_tracking_uri
from examsgraph_callbacks.deliver.behind import Behind
from examsgraph_callbacks.deliver.checkpoint import delivered_everywhere
from examsgraph_callbacks.deliver.destination import ui_command
from examsgraph_callbacks.deliver.follow import follow, follow_in_turn
from examsgraph_callbacks.deliver.forgetting import ForgottenInMlflow, forget_in_mlflow
from examsgraph_callbacks.deliver.judge_evaluation import JudgeRun, evaluate_judging
from examsgraph_callbacks.deliver.judge_model import mlflow_judge
from examsgraph_callbacks.deliver.registered_prompts import registered_prompts
from examsgraph_callbacks.deliver.shipper import GRACE, ShipReport, ship
from examsgraph_callbacks.deliver.status import ShippingStatus, shipping_status

__all__ = [
    "GRACE",
    "Behind",
    "ForgottenInMlflow",
    "JudgeRun",
    "ShipReport",
    "ShippingStatus",
    "default_tracking_uri",
    "delivered_everywhere",
    "evaluate_judging",
    "follow",
    "follow_in_turn",
    "forget_in_mlflow",
    "mlflow_judge",
    "registered_prompts",
    "ship",
    "shipping_status",
    "ui_command",
]
