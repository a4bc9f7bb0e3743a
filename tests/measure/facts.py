"""Facts to measure, with only what a test is about said."""

from datetime import UTC, datetime
from typing import Any

from examsgraph_callbacks.events import Exploration, Hop, LLMCall, RetrievalParams

__all__ = ["NEW_YEAR", "exploration", "llm_call", "show"]

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


def llm_call(**fields: Any) -> LLMCall:
    """A call of New Year's Day 2025."""
    defaults = {"event_id": "e", "run_id": "r", "started_at": NEW_YEAR, "latency_ms": 450.0}
    return LLMCall.model_validate(defaults | fields)


def exploration(*hops: Hop, threshold: float | None = None) -> Exploration:
    """An exploration that looked at `hops`."""
    return Exploration(
        event_id="e",
        run_id="r",
        started_at=NEW_YEAR,
        latency_ms=12.0,
        retrieval_params=RetrievalParams(similarity_threshold=threshold),
        hops=hops,
    )


def show(figures: str) -> None:
    """Print what was measured; pytest shows it with -s."""
    print(figures)  # noqa: T201
