"""Fixtures that several questions are asked of."""

from tests.analytics.asked import ask
from tests.analytics.compacted import journal

__all__ = ["ask", "journal"]
