"""Facts to measure, with only what a test is about said."""

from datetime import UTC, datetime
from typing import Any

from examsgraph_callbacks.events import EmbeddingCall, Exploration, Hop, LLMCall, RetrievalParams

__all__ = ["NEW_YEAR", "embedding_call", "exploration", "llm_call", "show"]

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


def llm_call(**fields: Any) -> LLMCall:
    """A call of New Year's Day 2025."""
    defaults = {"event_id": "e", "run_id": "r", "started_at": NEW_YEAR, "latency_ms": 450.0}
    return LLMCall.model_validate(defaults | fields)


def embedding_call(**fields: Any) -> EmbeddingCall:
    """New Year's Day 2025, 1,500 tokens of OpenAI's text-embedding-3-small."""
    defaults = {
        "event_id": "e",
        "run_id": "r",
        "started_at": NEW_YEAR,
        "latency_ms": 20.0,
        "provider": "openai",
        "requested_model": "text-embedding-3-small",
        "served_model": "text-embedding-3-small",
        "input_tokens": 1500,
        "usage_source": "reported",
        "text_count": 3,
    }
    return EmbeddingCall.model_validate(defaults | fields)


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
