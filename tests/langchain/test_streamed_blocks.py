"""Streams that bring a block of content a chunk: all of it is recorded, and no secret in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from examsgraph_callbacks.events import LLMCall, Message, Request
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.langchain.messages import request_of_messages
from examsgraph_callbacks.replay.requests import Canonical, key_of
from tests.measure.facts import llm_call


class InBlocks(BaseChatModel):
    """A model that streams each of its texts as a block of its own."""

    texts: list[str]

    @property
    def _llm_type(self) -> str:
        return "in-blocks"

    def _generate(self, *_args: Any, **_named: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_named: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for text in self.texts:
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=[{"type": "text", "text": text}]))
            if run_manager is not None:
                run_manager.on_llm_new_token(text, chunk=chunk)
            yield chunk


def recorded(folder: Path, texts: list[str], stop_after: int | None = None) -> object:
    stream = InBlocks(texts=texts).stream("?", {"callbacks": [ExamsGraphCallbackHandler(journal=folder)]})
    for number, _chunk in enumerate(stream, start=1):
        if number == stop_after:
            stream.close()  # type: ignore[attr-defined]  # a generator it is
            break
    (call,) = (fact for fact in Journal(folder).read() if isinstance(fact, LLMCall))
    assert call.answer is not None
    return call.answer[0].content


@pytest.mark.parametrize(
    ("texts", "content"),
    [
        (["번호는 010-12", "34-5678", "입니다"], "번호는 [PHONE]입니다"),
        (["sk-ant-", "api03-AbCdEfGh", "IjAbCdEfGhIj"], "[API_KEY]"),
        (["kim@exam", "ple.com"], "[EMAIL]"),
        (["850101-1", "234567"], "[RRN]"),
    ],
)
@pytest.mark.parametrize("stop", [False, True], ids=["to its end", "given up"])
def test_a_secret_that_came_in_two_blocks_is_none_less(
    tmp_path: Path, texts: list[str], content: str, stop: bool
) -> None:
    stop_after = len(texts) if stop else None
    assert recorded(tmp_path, texts, stop_after) == [{"type": "text", "text": content}]


def test_an_answer_of_a_thousand_blocks_is_recorded_whole(tmp_path: Path) -> None:
    assert recorded(tmp_path, ["정규화 "] * 1000) == [{"type": "text", "text": "정규화 " * 1000}]


def test_a_recording_that_holds_them_apart_still_answers() -> None:
    blocks: list[Any] = [{"type": "text", "text": "정규"}, {"type": "text", "text": "화"}]
    earlier = Message(role="assistant", content=blocks)
    call = llm_call(requested_model="gpt-4o", request=Request(messages=(earlier,)))
    live = Canonical().live("gpt-4o", request_of_messages([AIMessage(blocks)], {}))
    assert key_of(live) == key_of(Canonical().recorded(call))
