"""A small class's facts, with figures that can be worked out by hand."""

from datetime import timedelta
from typing import Any

from examsgraph_callbacks.events import ConceptResource, Exploration, Feedback, Hop, LLMCall, Message, Request
from tests.measure.facts import NEW_YEAR, exploration, llm_call

__all__ = ["answered", "document_path", "explored", "feedback", "greeted", "resource", "silent"]


def answered(**fields: Any) -> LLMCall:
    """The document's expensive call: 1,500 tokens in, 800 out of gpt-4o, 3,200 ms."""
    defaults: dict[str, Any] = {
        "provider": "openai",
        "requested_model": "gpt-4o",
        "served_model": "gpt-4o-2024-08-06",
        "task_type": "complex_reasoning",
        "input_tokens": 1500,
        "output_tokens": 800,
        "usage_source": "reported",
        "latency_ms": 3200.0,
        "user_id": "user_001",
    }
    return llm_call(**(defaults | fields))


def greeted(**fields: Any) -> LLMCall:
    """The document's cheap call: 15 tokens in, 30 out of gpt-4o-mini, 450 ms."""
    defaults: dict[str, Any] = {
        "requested_model": "gpt-4o-mini",
        "served_model": "gpt-4o-mini-2024-07-18",
        "task_type": "simple_greeting",
        "input_tokens": 15,
        "output_tokens": 30,
        "latency_ms": 450.0,
    }
    return answered(**(defaults | fields))


def silent(**fields: Any) -> LLMCall:
    """A call without usage: 8 tokens in (user, hello, 3 around the message, 3 of priming), 1 out (hi)."""
    defaults: dict[str, Any] = {
        "input_tokens": None,
        "output_tokens": None,
        "usage_source": None,
        "request": Request(messages=(Message(role="user", content="hello"),)),
        "answer": (Message(role="assistant", content="hi"),),
    }
    return answered(**(defaults | fields))


def document_path() -> tuple[Hop, ...]:
    """The path of the document, whose third hop is the strange one."""
    return (
        Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.92, depth=1),
        Hop(node="제1정규형", relation="해결", next_node="이상현상", similarity_score=0.85, depth=2),
        Hop(node="이상현상", relation="관련", next_node="SQL 문법", similarity_score=0.45, depth=3),
    )


def explored(*hops: Hop, threshold: float | None = 0.7, **about: Any) -> Exploration:
    """An exploration of q_001 in session_1, for whom and about what `about` says."""
    context = {"session_id": "session_1", "question_id": "q_001", **about}
    return exploration(*hops, threshold=threshold).model_copy(update=context)


def feedback(kind: str = "thumbs_down", *, seconds: float = 0.0, **fields: Any) -> Feedback:
    """Feedback on q_001 in session_1."""
    defaults = {
        "event_id": "f",
        "started_at": NEW_YEAR + timedelta(seconds=seconds),
        "feedback_type": kind,
        "session_id": "session_1",
        "question_id": "q_001",
    }
    return Feedback.model_validate(defaults | fields)


def resource(
    concept: str = "정규화", *, url: str = "https://youtu.be/1", kind: str = "video"
) -> ConceptResource:
    """A resource that a concept got a day after New Year."""
    return ConceptResource.model_validate(
        {
            "event_id": "r",
            "started_at": NEW_YEAR + timedelta(days=1),
            "concept": concept,
            "resource_kind": kind,
            "url": url,
        },
    )
