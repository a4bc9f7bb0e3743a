"""What the redaction pass takes on texts, and what it adds to a fact before the fact is written."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from examsgraph_callbacks.capture import Privacy, recorded_document, redact_text
from examsgraph_callbacks.events import Fact, LLMCall, Message, Request, Retrieval
from tests.benchmarks.paired import machine, paired

pytestmark = pytest.mark.benchmark

KOREAN = "제2정규형은 부분 함수 종속성을 제거합니다. 이상현상은 삽입, 삭제, 갱신에서 나타납니다. "
ENGLISH = "Normalization removes redundancy from a well-known relation (2NF, see 3.1); anomalies vanish. "
SQL = "INSERT INTO score VALUES (1234, '2024-01-02', 99.5, 8812345678, 'a-b');\n"
FLOATS = "-0.0123456789, 0.0987654321, "
ADDRESSES = "문의는 kim@example.com이나 010-1234-5678로 하세요. 정규화란 무엇인지 설명해 주세요. "

RUN: Any = {"event_id": "e" * 32, "run_id": "r" * 32, "started_at": datetime.now(UTC), "latency_ms": 1.0}


def long(text: str, characters: int) -> str:
    return (text * (characters // len(text) + 1))[:characters]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("2.4 kB of Korean", long(KOREAN, 1000)),
        ("2.7 kB of English", long(ENGLISH, 2700)),
        ("2.7 kB of SQL and digits", long(SQL, 2700)),
        ("2.7 kB of an embedding", long(FLOATS, 2700)),
        ("2.4 kB of Korean with 20 secrets", long(ADDRESSES, 1000)),
    ],
)
def test_a_text(name: str, text: str) -> None:
    def work(repetitions: int) -> None:
        for _ in range(repetitions):
            redact_text(text)

    took = paired({"redact": work}, baseline="redact", repetitions=2000)["redact"]
    print(f"\n{name:34} {took.microseconds:7.2f} µs   {machine()}")  # noqa: T201


def call(prompt: str) -> LLMCall:
    messages = (Message(role="system", content="친절한 코치입니다"), Message(role="user", content=prompt))
    return LLMCall(
        **RUN,
        input_tokens=600,
        output_tokens=30,
        usage_source="reported",
        request=Request(messages=messages, parameters={"temperature": 0.2}),
        answer=(Message(role="assistant", content="정규화는 중복을 제거합니다"),),
    )


def retrieval(text: str) -> Retrieval:
    documents = [
        recorded_document(text, {"score": 0.9, "concept": "이상현상"}, None, 1000) for _ in range(20)
    ]
    return Retrieval.model_validate({**RUN, "query": "정규화란?", "documents": documents})


@pytest.mark.parametrize(
    ("name", "fact", "bar"),
    [
        ("a call, 2.4 kB of Korean", call(long(KOREAN, 1000)), 10),
        ("a call, 2.7 kB of English", call(long(ENGLISH, 2700)), 10),
        ("20 documents, 1 kB of Korean", retrieval(long(KOREAN, 400)), 30),
        ("20 documents, 1 kB of English", retrieval(long(ENGLISH, 1000)), 30),
    ],
)
def test_a_fact(name: str, fact: Fact, bar: float) -> None:
    with_key = Privacy(user_key="0123456789abcdef")
    variants: dict[str, Callable[[Any], Any]] = {
        "as it is": lambda fact: fact,
        "redacted": Privacy().recorded,
        "and under a key": with_key.recorded,
        "dropped": Privacy(capture_content=False).recorded,
    }
    who = fact.model_copy(update={"user_id": "user_001", "session_id": "session_123"})
    timings = paired(
        {label: repeated(recorded, who) for label, recorded in variants.items()},
        baseline="as it is",
        repetitions=2000,
    )
    added = "   ".join(f"{label} {timings[label].added:6.2f} µs" for label in list(variants)[1:])
    print(f"\n{name:30} {added}   bar {bar} µs   {machine()}")  # noqa: T201


def repeated(recorded: Callable[[Any], Any], fact: Fact) -> Callable[[int], None]:
    def work(repetitions: int) -> None:
        for _ in range(repetitions):
            recorded(fact)

    return work
