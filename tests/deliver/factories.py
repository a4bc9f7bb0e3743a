"""Facts of tutoring turns, each turn's in the order in which they are written: root last."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from examsgraph_callbacks.events import (
    Exploration,
    Feedback,
    Hop,
    LLMCall,
    Message,
    PromptComparison,
    Request,
    Retrieval,
    RetrievalParams,
    RetrievedDocument,
    RunFact,
    Seed,
    ToolCall,
    Trace,
)
from examsgraph_callbacks.journal import Journal

__all__ = [
    "BEGAN",
    "EXPLANATION",
    "NOBODY",
    "comparison",
    "exploration",
    "feedback",
    "full_turn",
    "hex_id",
    "llm_call",
    "small_turn",
    "turn_root",
    "write",
]
BEGAN = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
EXPLANATION = "정규화는 데이터 중복을 제거하고 이상현상을 막습니다."


def hex_id(name: str) -> str:
    """An id of 32 hexadecimal digits that is the same for the same name."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def turn_root(turn: str = "turn", *, after_seconds: float = 0, **fields: object) -> Trace:
    """The root of the turn of that name."""
    return Trace.model_validate(
        {
            **_run(turn, turn, None, after_seconds, 5000.0),
            "name": "tutor",
            "inputs": {"question": "정규화의 목적은?"},
            "outputs": EXPLANATION,
            **fields,
        },
    )


def llm_call(
    turn: str = "turn", name: str = "call", *, after_seconds: float = 1, **fields: object
) -> LLMCall:
    """A call of gpt-4o-mini that its provider reported 15 and 30 tokens for."""
    return LLMCall.model_validate(
        {
            **_run(turn, f"{turn}/{name}", turn, after_seconds, 450.123),
            "name": "ChatOpenAI",
            "provider": "openai",
            "requested_model": "gpt-4o-mini",
            "served_model": "gpt-4o-mini-2024-07-18",
            "input_tokens": 15,
            "output_tokens": 30,
            "usage_source": "reported",
            "finish_reason": "stop",
            "request": Request(
                messages=(Message(role="user", content="정규화의 목적은?"),),
                parameters={"temperature": 0.2},
            ),
            "answer": (Message(role="assistant", content="데이터 중복을 제거합니다."),),
            **fields,
        },
    )


def exploration(turn: str = "turn", **fields: object) -> Exploration:
    """The document's path, whose third hop is the strange one, and one hop that was not followed."""
    return Exploration.model_validate(
        {
            **_run(turn, f"{turn}/exploration", turn, 0.25, 120.5),
            "name": "GraphPathRetriever",
            "query": "정규화의 목적은?",
            "retrieval_params": RetrievalParams(depth=3, similarity_threshold=0.7, max_hops=5),
            "seeds": (Seed(node="정규화", similarity_score=0.95),),
            "hops": (
                Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.92),
                Hop(
                    node="정규화",
                    relation="관련",
                    next_node="트랜잭션",
                    similarity_score=0.41,
                    verdict="below_threshold",
                ),
                Hop(node="제1정규형", relation="해결", next_node="이상현상", similarity_score=0.85, depth=2),
                Hop(node="이상현상", relation="관련", next_node="SQL 문법", similarity_score=0.45, depth=3),
            ),
            **fields,
        },
    )


def feedback(turn: str = "turn", *, after_seconds: float = 60, **fields: Any) -> Feedback:
    """The document's feedback, on the turn of that name."""
    return Feedback.model_validate(
        {
            "event_id": hex_id(f"feedback {turn} {after_seconds}"),
            "started_at": BEGAN + timedelta(seconds=after_seconds),
            "trace_id": hex_id(turn),
            "user_id": "user_001",
            "session_id": "session_123",
            "question_id": "q_001",
            "feedback_type": "thumbs_down",
            "understanding_score": 2,
            "followup_text": "무슨 말인지 더 쉽게 설명해줘",
            "ai_explanation": EXPLANATION,
            **fields,
        },
    )


def comparison(name: str = "comparison", **fields: object) -> PromptComparison:
    """The document's comparison of three tones."""
    return PromptComparison.model_validate(
        {
            "event_id": hex_id(name),
            "started_at": BEGAN,
            "user_id": "user_001",
            "question_id": "q_002",
            "user_answer": "제3정규형",
            "correct_answer": "제2정규형",
            "prompt_variants": {
                "v1_strict": "당신은 엄격한 교수입니다. 학생이 틀렸을 때 명확히 지적하세요.",
                "v2_friendly": "당신은 친절한 코치입니다. 학생의 노력을 인정하면서 부드럽게 설명하세요.",
                "v3_encouraging": "당신은 격려형 멘토입니다. 실수를 긍정적으로 받아들이게 하세요.",
            },
            "generated_responses": {
                "v1_strict": "틀렸습니다. 제2정규형이 정답입니다. 부분 함수 종속성을 제거해야 합니다.",
                "v2_friendly": "아쉽네요! 거의 다 왔어요. 제2정규형에서는 부분 함수 종속성을 제거합니다.",
                "v3_encouraging": "좋은 시도였어요! 정규화 과정을 이해하고 계시네요. "
                "제2정규형을 한번 더 복습해볼까요?",
            },
            **fields,
        },
    )


def full_turn(turn: str = "turn") -> list[RunFact]:
    """A turn with everything: retriever, exploration, tool, and calls that are priced, unpriced, failed."""
    retrieval = Retrieval.model_validate(
        {
            **_run(turn, f"{turn}/retrieval", turn, 0.2, 200.0),
            "name": "ConceptRetriever",
            "query": "정규화의 목적은?",
            "documents": (
                RetrievedDocument(
                    id="제1정규형",
                    score=0.92,
                    content="원자값만 갖는다.",
                    metadata={"source": "교재", "score": 9},
                ),
                RetrievedDocument(content="점수 없는 문서"),
            ),
        },
    )
    return [
        exploration(turn, parent_run_id=hex_id(f"{turn}/retrieval")),
        retrieval,
        llm_call(
            turn,
            "explain",
            task_type="complex_reasoning",
            input_tokens=1500,
            output_tokens=800,
            cached_tokens=1024,
        ),
        ToolCall.model_validate(
            {
                **_run(turn, f"{turn}/tool", turn, 2, 10.0),
                "name": "문제은행",
                "input": {"question_id": "q_001"},
                "output": "제2정규형",
            },
        ),
        llm_call(
            turn,
            "own",
            after_seconds=2.5,
            provider="자체",
            served_model="우리모델-7b",
            requested_model="우리모델-7b",
        ),
        llm_call(
            turn,
            "failed",
            after_seconds=3,
            status="error",
            error_type="RateLimitError",
            error_message="429: 잠시 후 다시",
            input_tokens=None,
            output_tokens=None,
            usage_source=None,
            served_model=None,
            answer=None,
        ),
        turn_root(turn),
    ]


def small_turn(turn: str, *, after_seconds: float = 0) -> list[RunFact]:
    """A turn of two calls and their root."""
    return [
        llm_call(turn, "one", after_seconds=after_seconds + 1),
        llm_call(
            turn,
            "two",
            after_seconds=after_seconds + 2,
            requested_model="gpt-4o",
            served_model="gpt-4o-2024-08-06",
        ),
        turn_root(turn, after_seconds=after_seconds),
    ]


def _run(
    turn: str, run: str, parent: str | None, after_seconds: float, latency_ms: float
) -> dict[str, object]:
    return {
        "event_id": hex_id(f"event {run}"),
        "trace_id": hex_id(turn),
        "run_id": hex_id(run),
        "parent_run_id": parent and hex_id(parent),
        "started_at": BEGAN + timedelta(seconds=after_seconds),
        "latency_ms": latency_ms,
        "user_id": "user_001",
        "session_id": "session_123",
        "question_id": "q_001",
        "wrong_concept": "정규화",
        "prompt_variant": "v2_friendly",
    }


NOBODY = "http://127.0.0.1:9"  # the discard port, on which nothing listens


def write(journal: Journal, *turns: str) -> None:
    for turn in turns:
        for fact in small_turn(turn):
            journal.write(fact)
