"""Alerts: a rule that is broken becomes an incident, an incident a message, a message reaches Slack."""

from examsgraph_callbacks.alerts.budget import BudgetGuard, Spent
from examsgraph_callbacks.alerts.channels import AppriseChannel, Channel, configured_channels
from examsgraph_callbacks.alerts.forgetting import forget_in_alerts
from examsgraph_callbacks.alerts.incidents import Incident, incidents
from examsgraph_callbacks.alerts.notices import Notice, as_text, sample
from examsgraph_callbacks.alerts.outbox import Delivery, Message, unsettled
from examsgraph_callbacks.alerts.outcome import Later, Outcome, Refused, Sent
from examsgraph_callbacks.alerts.rules import Rules, load_rules
from examsgraph_callbacks.alerts.slack import SlackChannel
from examsgraph_callbacks.alerts.standing import Standing, alerts_mark, alerts_standing
from examsgraph_callbacks.alerts.state import open_state
from examsgraph_callbacks.alerts.watch import POLL_SECONDS, Round, Watch, follow_alerts, open_watch

__all__ = [
    "POLL_SECONDS",
    "AppriseChannel",
    "BudgetGuard",
    "Channel",
    "Delivery",
    "Incident",
    "Later",
    "Message",
    "Notice",
    "Outcome",
    "Refused",
    "Round",
    "Rules",
    "Sent",
    "SlackChannel",
    "Spent",
    "Standing",
    "Watch",
    "alerts_mark",
    "alerts_standing",
    "as_text",
    "configured_channels",
    "follow_alerts",
    "forget_in_alerts",
    "incidents",
    "load_rules",
    "open_state",
    "open_watch",
    "sample",
    "unsettled",
]
