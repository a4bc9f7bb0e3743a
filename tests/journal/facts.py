"""Facts for tests: small, valid, with Korean in them."""

from datetime import UTC, datetime, timedelta

from examsgraph_callbacks.events import LLMCall, Message, Request

__all__ = ["BEGAN", "llm_call"]

BEGAN = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def llm_call(number: int = 0, *, question: str = "정규화의 목적은?", after_seconds: float = 0.0) -> LLMCall:
    """The `number`-th call, told apart by its `event_id`."""
    return LLMCall(
        event_id=f"{number:032x}",
        started_at=BEGAN + timedelta(seconds=after_seconds),
        trace_id="a" * 32,
        run_id=f"{number:032x}",
        latency_ms=450.0,
        provider="openai",
        requested_model="gpt-4o-mini",
        served_model="gpt-4o-mini-2024-07-18",
        input_tokens=15,
        output_tokens=30,
        usage_source="reported",
        request=Request(messages=(Message(role="user", content=question),)),
        answer=(Message(role="assistant", content="데이터 중복을 제거합니다."),),
    )
