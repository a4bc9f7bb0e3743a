"""Delivery to MLflow: a journal's turns as traces, its explorations as runs, each exactly once."""

from examsgraph_callbacks.deliver.destination import default_tracking_uri, ui_command
from examsgraph_callbacks.deliver.shipper import GRACE, ShipReport, ship

__all__ = ["GRACE", "ShipReport", "default_tracking_uri", "ship", "ui_command"]
