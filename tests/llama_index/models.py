"""Scripted LLMs, a retriever and facts read back, for tests of the LlamaIndex handler."""

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    CustomLLM,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import BaseTool
from pydantic import ConfigDict, Field

from examsgraph_callbacks.events import LLMCall, RunFact, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler

__all__ = [
    "ANSWER",
    "USAGE",
    "ScriptedLLM",
    "Shelf",
    "WrappingLLM",
    "agent",
    "calls",
    "engine",
    "facts",
    "look_up",
    "only_call",
    "raw_answer",
    "the_turn",
]
ANSWER = "정규화는 중복을 제거합니다"

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 8},
}


def raw_answer(usage: dict[str, Any] | None, finish_reason: str | None = "stop") -> dict[str, Any]:
    """A raw answer in the form of OpenAI's chat API, as far as it is read."""
    return {
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "choices": [{"index": 0, "finish_reason": finish_reason}],
        "usage": usage,
    }


class ScriptedLLM(FunctionCallingLLM):
    """Answers `answer` word by word, by its own chat; with `tool_calls`, those first.

    `failure` is raised at once, of a stream after `fail_after` words.
    """

    model: str = "gpt-4o"
    temperature: float = 0.1
    answer: str = ANSWER
    usage: dict[str, Any] | None = None
    failure: BaseException | None = None
    fail_after: int = 0
    tool_calls: dict[str, dict[str, Any]] = Field(default_factory=dict)

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            model_name=self.model,
            context_window=128_000,  # so that what was retrieved fits into one prompt
            is_chat_model=True,
            is_function_calling_model=True,
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        if self.failure is not None:
            raise self.failure
        return ChatResponse(message=self._message(messages), raw=raw_answer(self.usage))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        if self.failure is not None:
            raise self.failure
        return ChatResponse(message=self._message(messages), raw=raw_answer(self.usage))

    @llm_chat_callback()
    def stream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> Generator[ChatResponse, None, None]:
        return self._stream(messages)

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> AsyncGenerator[ChatResponse, None]:
        async def stream() -> AsyncGenerator[ChatResponse, None]:
            for response in self._stream(messages):
                yield response

        return stream()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return _completion(self.chat([ChatMessage(prompt)], **kwargs))

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return _completion(await self.achat([ChatMessage(prompt)], **kwargs))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        chunks = self.stream_chat([ChatMessage(prompt)], **kwargs)
        return (_completion(chunk) for chunk in chunks)

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> AsyncGenerator[CompletionResponse, None]:
        chunks = await self.astream_chat([ChatMessage(prompt)], **kwargs)
        return (_completion(chunk) async for chunk in chunks)

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,
        **kwargs: Any,
    ) -> list[ToolSelection]:
        return [
            ToolSelection(
                tool_id=block.tool_call_id, tool_name=block.tool_name, tool_kwargs=block.tool_kwargs
            )
            for block in response.message.blocks
            if isinstance(block, ToolCallBlock)
        ]

    def _prepare_chat_with_tools(  # noqa: PLR0917 - LlamaIndex's own signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        asked = [ChatMessage(user_msg) if isinstance(user_msg, str) else user_msg] if user_msg else []
        return {
            "messages": [*(chat_history or []), *asked],
            "tools": [tool.metadata.to_openai_tool() for tool in tools],
        }

    def _message(self, messages: Sequence[ChatMessage]) -> ChatMessage:
        if self.tool_calls and all(message.role != MessageRole.TOOL for message in messages):
            blocks = [
                ToolCallBlock(tool_call_id=f"call_{name}", tool_name=name, tool_kwargs=arguments)
                for name, arguments in self.tool_calls.items()
            ]
            return ChatMessage(role="assistant", blocks=blocks)
        return ChatMessage(role="assistant", content=self.answer)

    def _stream(self, messages: Sequence[ChatMessage]) -> Generator[ChatResponse, None, None]:
        message = self._message(messages)
        yield ChatResponse(
            message=ChatMessage(role="assistant", content=""), raw=raw_answer(None, None), delta=""
        )
        text = ""
        for number, word in enumerate((message.content or "").split()):
            if self.failure is not None and number == self.fail_after:
                raise self.failure
            text += f"{word} "
            yield ChatResponse(
                message=ChatMessage(role="assistant", content=text),
                delta=f"{word} ",
                raw=raw_answer(None, None),
            )
        # as with OpenAI: the reason in one chunk, the usage in a later one
        for raw in (raw_answer(None), raw_answer(self.usage, None)):
            yield ChatResponse(message=message, raw=raw, delta="")


class WrappingLLM(CustomLLM):
    """LlamaIndex's own CustomLLM: all its methods end in `complete` or `stream_complete`.

    These are answered by `inner`, tried `attempts` times, or by the model itself where that is None.
    """

    inner: ScriptedLLM | None = None
    attempts: int = 1

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="wrapping")

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        if self.inner is None:
            return CompletionResponse(text=ANSWER, raw=raw_answer(USAGE))
        responses: list[CompletionResponse] = [self.inner.complete(prompt) for _ in range(self.attempts)]
        return responses[-1]

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        text = ""
        for word in ANSWER.split():
            text += f"{word} "
            yield CompletionResponse(text=text, delta=f"{word} ", raw=raw_answer(USAGE))


class Shelf(BaseRetriever):
    """A retriever over two nodes."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.failure = failure

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if self.failure is not None:
            raise self.failure
        found = TextNode(
            id_="1nf", text="원자값" * 3, metadata={"concept": "제1정규형"}, embedding=[0.5, 0.5]
        )
        long = TextNode(id_="long", text="가" * 5000, metadata={"concept": "이상현상"})
        return [NodeWithScore(node=found, score=0.92), NodeWithScore(node=long)]


def facts(handler: ExamsGraphEventHandler) -> list[RunFact]:
    """What was recorded, in the order of writing."""
    return [fact for fact in handler.journal.read() if isinstance(fact, RunFact)]


def calls(handler: ExamsGraphEventHandler) -> list[LLMCall]:
    """The LLM calls among it."""
    return [fact for fact in facts(handler) if isinstance(fact, LLMCall)]


def only_call(handler: ExamsGraphEventHandler) -> LLMCall:
    """The one fact there is, an LLM call; nothing is left open."""
    (fact,) = facts(handler)
    assert isinstance(fact, LLMCall)
    assert handler.open_runs == 0
    return fact


def _completion(response: ChatResponse) -> CompletionResponse:
    return CompletionResponse(text=response.message.content or "", delta=response.delta, raw=response.raw)


def engine(llm: ScriptedLLM, shelf: Shelf | None = None, *, streaming: bool = False) -> RetrieverQueryEngine:
    return RetrieverQueryEngine.from_args(shelf or Shelf(), llm=llm, streaming=streaming)


def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 분해"


def agent(llm: ScriptedLLM, **more: Any) -> FunctionAgent:
    return FunctionAgent(tools=[look_up], llm=llm, **more)


def the_turn(handler: ExamsGraphEventHandler, *below: type[RunFact]) -> Trace:
    """The one trace, all of whose facts are of the kinds `below` it, in that order."""
    *others, turn = facts(handler)
    assert [type(fact) for fact in others] == list(below)
    assert isinstance(turn, Trace)
    assert turn.run_id == turn.trace_id
    assert turn.parent_run_id is None
    for fact in others:
        assert (fact.trace_id, fact.parent_run_id) == (turn.run_id, turn.run_id)
    assert handler.open_runs == 0
    return turn
