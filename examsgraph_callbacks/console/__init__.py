"""What a person sees in a terminal: lines, progress bars and a readable report."""

from examsgraph_callbacks.console.alerting import alerts_beside, list_alerts, run_alerts, send_sample
from examsgraph_callbacks.console.compacting import compact_and_tell
from examsgraph_callbacks.console.exploring import PathFiles, Wanted, show_path, show_what_if
from examsgraph_callbacks.console.learner import export_learner, forget_learner
from examsgraph_callbacks.console.recordings import (
    Selection,
    export_recording,
    moment,
    show_recording,
    verify_recording,
)
from examsgraph_callbacks.console.remedies import ConceptPlace, add_concept_resource
from examsgraph_callbacks.console.replaying import replay_to_mlflow, show_path_replay, show_remeasured
from examsgraph_callbacks.console.screen import Advance, Screen
from examsgraph_callbacks.console.shipping import (
    follow_with_progress,
    ship_with_progress,
    show_shipped,
    show_status,
    status_as_json,
)
from examsgraph_callbacks.console.summary import Sought, show_overview, show_report

__all__ = [
    "Advance",
    "ConceptPlace",
    "PathFiles",
    "Screen",
    "Selection",
    "Sought",
    "Wanted",
    "add_concept_resource",
    "alerts_beside",
    "compact_and_tell",
    "export_learner",
    "export_recording",
    "follow_with_progress",
    "forget_learner",
    "list_alerts",
    "moment",
    "replay_to_mlflow",
    "run_alerts",
    "send_sample",
    "ship_with_progress",
    "show_overview",
    "show_path",
    "show_path_replay",
    "show_recording",
    "show_remeasured",
    "show_report",
    "show_shipped",
    "show_status",
    "show_what_if",
    "status_as_json",
    "verify_recording",
]
