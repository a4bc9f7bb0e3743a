"""`ReplayChatModel`: a chat model that answers from a recording, and never from the network."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict

from examsgraph_callbacks.langchain.replayed.playing import ChatPlayer
from examsgraph_callbacks.replay import Player

__all__ = ["ReplayChatModel"]


class ReplayChatModel(BaseChatModel):
    """Stands in for the chat model `model` (the requested name, as `gpt-4o`) in an unchanged chain.

    ```python
    player = Player("lesson.egrec.jsonl")
    chain = prompt | ReplayChatModel(player=player, model="gpt-4o") | parser
    ```

    Answers, tool calls, usage, served model and errors are as recorded, and so are times where the player
    has a pace. A streamed answer comes a word a chunk: where the provider cut it is not on record.
    `parameters` are the sampling parameters that the real model would send; without them sampling is not
    compared. Tools are bound as OpenAI's are. What was not recorded raises `ReplayMissError`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    player: Player
    model: str
    parameters: dict[str, Any] | None = None
    provider: str = "openai"

    @property
    def _llm_type(self) -> str:
        return "examsgraph-replay"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, **(self.parameters or {})}

    @cached_property
    def _playing(self) -> ChatPlayer:
        return ChatPlayer(self.player)

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        stops = {} if stop is None else {"stop": stop}
        return {**self._identifying_params, **stops, **kwargs}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        inherited = super()._get_ls_params(stop=stop, **kwargs)
        return {**inherited, "ls_provider": self.provider, "ls_model_name": self.model}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - told by LangChain itself
        **kwargs: Any,
    ) -> ChatResult:
        return self._playing.generate(self, messages, stop, kwargs, any_sampling=self.parameters is None)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - as above
        **kwargs: Any,
    ) -> ChatResult:
        any_sampling = self.parameters is None
        return await self._playing.agenerate(self, messages, stop, kwargs, any_sampling=any_sampling)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        any_sampling = self.parameters is None
        for chunk in self._playing.stream(self, messages, stop, kwargs, any_sampling=any_sampling):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        any_sampling = self.parameters is None
        async for chunk in self._playing.astream(self, messages, stop, kwargs, any_sampling=any_sampling):
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        choice = {} if tool_choice is None else {"tool_choice": tool_choice}
        offered = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        return self.bind(tools=offered, **choice, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: str = "json_schema",
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """As langchain-openai's: `json_schema` (its default), `json_mode` or `function_calling`."""
        is_class = isinstance(schema, type) and issubclass(schema, BaseModel)
        if method == "function_calling":
            tool = convert_to_openai_tool(schema, strict=kwargs.get("strict"))
            asking: Runnable[LanguageModelInput, AIMessage] = self.bind(tools=[tool])
            name = tool["function"]["name"]
            parser: Runnable[Any, Any] = (
                PydanticToolsParser(tools=[schema], first_tool_only=True)
                if is_class
                else JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
            )
        else:
            asking = self.bind()
            parser = PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()
        if not include_raw:
            return asking | parser
        parsed = RunnablePassthrough.assign(parsed=lambda found: parser.invoke(found["raw"]))
        return {"raw": asking} | parsed
