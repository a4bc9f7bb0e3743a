"""Facts to record, with only what a test is about said."""

from datetime import UTC, datetime
from typing import Any

from examsgraph_callbacks.events import LLMCall, Message, Request
from tests.measure.facts import llm_call

__all__ = ["SYSTEM", "asked"]

SYSTEM = "당신은 친절한 데이터베이스 튜터입니다. " * 8


def asked(question: str, answer: str = "답", **more: Any) -> LLMCall:
    """A call of gpt-4o with a long system prompt."""
    return llm_call(
        **{
            "started_at": datetime(2026, 1, 15, 9, tzinfo=UTC),
            "trace_id": "3fa2b1c8",
            "provider": "openai",
            "requested_model": "gpt-4o",
            "served_model": "gpt-4o-2024-08-06",
            "input_tokens": 100,
            "output_tokens": 20,
            "usage_source": "reported",
            "request": Request(
                messages=(Message(role="system", content=SYSTEM), Message(role="user", content=question))
            ),
            "answer": (Message(role="assistant", content=answer),),
            **more,
        },
    )
