"""Requests that differ are never taken for each other, however deep in them the difference lies."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

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


def nested(value: object, levels: int = 30) -> list[BaseMessage]:
    for _ in range(levels):
        value = {"within": value}
    return [HumanMessage([{"type": "text", "text": "가", "cache": value}])]


def tool(**fields: Any) -> list[BaseMessage]:
    return [ToolMessage("정규화", tool_call_id="call_1", **fields)]


def said(**fields: object) -> list[BaseMessage]:
    return [AIMessage("정규화", additional_kwargs=fields)]


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
        (tool(status="error"), tool()),
        (tool(additional_kwargs={"cached": 1}), tool(additional_kwargs={"cached": 2})),
        (said(reasoning_content="가"), said()),
        (nested({"a": 1}), nested({"a": 2})),
        (nested({"a": 1}), nested({"b": 1})),
        (nested([*range(300)]), nested([*range(299), 0])),
    ],
    ids=[
        "large images",
        "bytes",
        "long texts",
        "broken tool calls",
        "a tool's status",
        "additional kwargs",
        "reasoning",
        "deep below",
        "keys deep below",
        "lists deep below",
    ],
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


def test_what_says_nothing_more_tells_no_request_from_another() -> None:
    assert key(said(refusal=None, tool_calls=[])) == key(said())
    assert key(tool(status="success")) == key(tool())
    assert key(nested({"a": 1, "b": [2]})) == key(nested({"b": [2], "a": 1}))


def test_of_a_value_that_holds_itself_nobody_says_what_it_equals() -> None:
    endless: dict[str, object] = {}
    endless["within"] = endless
    assert key(nested(endless)) != key(nested(endless))


def test_what_an_answer_said_besides_is_given_again_so_that_the_next_request_is_the_same(
    tmp_path: Path,
) -> None:
    answer = AIMessage("정규화", additional_kwargs={"reasoning_content": "먼저 원자값", "refusal": None})
    model = FakeMessagesListChatModel(responses=[answer])
    model.invoke("정규화?", {"callbacks": [ExamsGraphCallbackHandler(journal=tmp_path)]})
    (call,) = (fact for fact in Journal(tmp_path).read() if isinstance(fact, LLMCall))
    again = result_of(call).generations[0].message
    *_, last = chunks_of(call)
    assert again.additional_kwargs == last.message.additional_kwargs == {"reasoning_content": "먼저 원자값"}
    assert key([again]) == key([answer])


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
