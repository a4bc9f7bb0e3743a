"""Scripted chat models and facts read back, for tests of the handler."""

from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnablePassthrough

from examsgraph_callbacks.capture import Clock
from examsgraph_callbacks.events import Fact, LLMCall
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler

__all__ = ["USAGE", "ScriptedModel", "Shelf", "StepClock", "call_of", "config", "facts", "tutor"]


class ScriptedModel(BaseChatModel):
    """Answers `answer` word by word; `failure` is raised after `fail_after` words."""

    model_name: str = "gpt-4o"
    answer: str = "정규화는 중복을 제거합니다"
    usage: dict[str, Any] | None = None
    failure: Exception | None = None
    fail_after: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_name": self.model_name, "ls_model_type": "chat"}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.failure is not None:
            raise self.failure
        message = AIMessage(
            content=self.answer,
            usage_metadata=self.usage,
            response_metadata={"model_name": f"{self.model_name}-2024-08-06", "finish_reason": "stop"},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # on the loop, as real clients answer: the base class would hand it to a thread
        return self._generate(messages)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content=""))
        for number, word in enumerate(self.answer.split()):
            if self.failure is not None and number == self.fail_after:
                raise self.failure
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata=self.usage,
                response_metadata={"model_name": f"{self.model_name}-2024-08-06", "finish_reason": "stop"},
                chunk_position="last",
            ),
        )


class StepClock:
    """A clock that moves on by 10 ms each time it is asked, and ids that count up."""

    def __init__(self) -> None:
        self._elapsed_ns = 0
        self._ids = 0

    def clock(self) -> Clock:
        return Clock(wall_ns=self._wall_ns, elapsed_ns=self._step, new_id=self._new_id)

    def _wall_ns(self) -> int:
        return 1_768_473_000_000_000_000 + self._elapsed_ns

    def _step(self) -> int:
        self._elapsed_ns += 10_000_000
        return self._elapsed_ns

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"


USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "input_token_details": {"cache_read": 40, "audio": 0},
    "output_token_details": {"reasoning": 8},
}


class Shelf(BaseRetriever):
    """A retriever over two documents."""

    failure: Exception | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
    ) -> list[Document]:
        if self.failure is not None:
            raise self.failure
        return [
            Document(page_content="원자값" * 3, metadata={"score": 0.92, "concept": "제1정규형"}, id="1nf"),
            Document(page_content="가" * 5000, metadata={"concept": "이상현상"}),
        ]


def config(handler: ExamsGraphCallbackHandler, **more: Any) -> Any:
    return {"callbacks": [handler], **more}


def facts(handler: ExamsGraphCallbackHandler) -> list[Fact]:
    # in the order of writing: a step clock makes no difference between threads
    return list(handler.journal.read())


def call_of(handler: ExamsGraphCallbackHandler) -> LLMCall:
    (call,) = [fact for fact in facts(handler) if isinstance(fact, LLMCall)]
    return call


def tutor(model: ScriptedModel) -> Runnable[Any, str]:
    prompt = ChatPromptTemplate.from_messages([("system", "친절한 코치"), ("human", "{question}\n{context}")])
    return {"context": Shelf(), "question": RunnablePassthrough()} | prompt | model | StrOutputParser()
