"""Alerts: what is told, once in the calm case and never lost."""
