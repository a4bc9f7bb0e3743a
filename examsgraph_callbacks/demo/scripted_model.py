"""A chat model that answers from a script: a stand-in for gpt-4o where no key for the real one is set."""

import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from examsgraph_callbacks.events import LLMCall, Message, Request
from examsgraph_callbacks.measure import estimate_input_tokens, estimate_output_tokens

__all__ = ["ScriptedChatModel"]


class ScriptedChatModel(BaseChatModel):
    """Streams the answer whose key stands in the last message, `otherwise` where none does.

    Before it comes the opening whose key stands in the first message.

    It passes for `model_name`, served as `served_model`, by OpenAI, so that it is measured as the real
    one would be. The usage it reports is counted from its real texts, in that model's encoding. It waits
    `first_token_seconds`, then `word_seconds` before each further word.
    """

    model_name: str
    served_model: str
    answers: Mapping[str, str]
    otherwise: str
    openings: Mapping[str, str] = {}
    first_token_seconds: float = 0.0
    word_seconds: float = 0.0

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        # loads the encoding now, which takes 0.3 s, and not in the first answer
        self._usage([], self.otherwise)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model_name}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": "openai"}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - a script has nowhere to stop
        run_manager: CallbackManagerForLLMRun | None = None,
        **_kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        asked = str(messages[-1].content)
        answer = next((text for key, text in self.answers.items() if key in asked), self.otherwise)
        instructions = str(messages[0].content)
        opening = next((text for key, text in self.openings.items() if key in instructions), "")
        answer = opening + answer
        time.sleep(self.first_token_seconds)
        for number, word in enumerate(re.findall(r"\S+\s*", answer)):
            if number:
                time.sleep(self.word_seconds)
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager is not None:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata=self._usage(messages, answer),
                response_metadata={"model_name": self.served_model, "finish_reason": "stop"},
                chunk_position="last",
            ),
        )

    def _usage(self, messages: list[BaseMessage], answer: str) -> UsageMetadata:
        sent = convert_to_openai_messages(messages)
        call = LLMCall(
            event_id="",
            run_id="",
            started_at=datetime.now(UTC),
            latency_ms=0.0,
            served_model=self.served_model,
            request=Request(messages=tuple(Message.model_validate(message) for message in sent)),
            answer=(Message(role="assistant", content=answer),),
        )
        inputs, outputs = estimate_input_tokens(call) or 0, estimate_output_tokens(call) or 0
        return UsageMetadata(input_tokens=inputs, output_tokens=outputs, total_tokens=inputs + outputs)
