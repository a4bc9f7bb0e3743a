"""Requests that differ are never taken for each other, however deep in them the difference lies."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from examsgraph_callbacks.events import LLMCall, Message
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.langchain.messages import request_of_messages
from examsgraph_callbacks.langchain.replayed.answers import chunks_of, result_of
from examsgraph_callbacks.replay.requests import Canonical, key_of

BROKEN: dict[str, Any] = {
    "name": "look_up",
    "args": '{"concept": "정규',
    "id": "call_1",
    "error": "no JSON",
    "type": "invalid_tool_call",
}


def image(data: str) -> list[BaseMessage]:
    url = f"data:image/png;base64,{data}"
    return [HumanMessage([{"type": "image_url", "image_url": {"url": url}}])]


def key(messages: list[BaseMessage], **parameters: object) -> str:
    return key_of(Canonical().live("gpt-4o", request_of_messages(messages, parameters)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (image("A" * 150_000 + "B"), image("A" * 150_000 + "C")),
        ([HumanMessage([{"type": "file", "data": b"1"}])], [HumanMessage([{"type": "file", "data": b"2"}])]),
        ([HumanMessage("가 " * 90_000 + "나")], [HumanMessage("가 " * 90_000 + "다")]),
        (
            [AIMessage("", invalid_tool_calls=[BROKEN])],
            [AIMessage("", invalid_tool_calls=[{**BROKEN, "args": "{"}])],
        ),
    ],
    ids=["large images", "bytes", "long texts", "broken tool calls"],
)
def test_a_request_is_not_taken_for_one_that_begins_alike(
    one: list[BaseMessage], other: list[BaseMessage]
) -> None:
    assert key(one) == key(one)
    assert key(one) != key(other)


def test_an_answer_whose_tool_call_was_no_json_is_recorded_and_given_again(tmp_path: Path) -> None:
    answer = AIMessage("", invalid_tool_calls=[BROKEN])
    model = FakeMessagesListChatModel(responses=[answer])
    model.invoke("정규화?", {"callbacks": [ExamsGraphCallbackHandler(journal=tmp_path)]})
    (call,) = (fact for fact in Journal(tmp_path).read() if isinstance(fact, LLMCall))
    assert call.answer is not None
    assert call.answer[0].tool_calls == (BROKEN,)
    again = result_of(call).generations[0].message
    assert isinstance(again, AIMessage)
    assert (again.tool_calls, again.invalid_tool_calls) == ([], [BROKEN])


def test_streamed_it_comes_as_it_was() -> None:
    call = LLMCall(
        event_id="e",
        run_id="r",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        latency_ms=1.0,
        answer=(Message(role="assistant", content="", tool_calls=(BROKEN,)),),
    )
    arguments = [
        part["args"] for chunk in chunks_of(call) for part in getattr(chunk.message, "tool_call_chunks", [])
    ]
    assert arguments == [BROKEN["args"]]
