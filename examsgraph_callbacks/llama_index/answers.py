"""What the responses of one call say of its answer, usage, served model and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse, ToolCallBlock
from pydantic import BaseModel

from examsgraph_callbacks.capture import Usage, usage_from_openai, usage_from_response
from examsgraph_callbacks.llama_index.messages import message_fields

__all__ = ["Answer", "Response"]

Response = ChatResponse | CompletionResponse

_UNFINISHED = {"queued", "in_progress"}


@dataclass(slots=True)
class Answer:
    """Gathers one response, or all of a stream: model, usage and finish reason can stand in any of them."""

    last: Response | None = None
    deltas: list[str] = field(default_factory=list)
    usage: Usage | None = None
    served_model: str | None = None
    service_tier: str | None = None
    finish_reason: str | None = None

    def see(self, response: Response) -> bool:
        """Take in one more response; whether it said anything: text, or a call of a tool."""
        self.last = response
        if response.delta:
            self.deltas.append(response.delta)
        self._see_raw(_fields(response.raw))
        extra = response.additional_kwargs
        # a prompt of no tokens is how integrations put a usage that did not come
        if self.usage is None and extra.get("prompt_tokens"):
            self.usage = usage_from_openai(extra)
        return bool(response.delta) or _calls_a_tool(response)

    @property
    def begun(self) -> bool:
        """Whether any of the answer came."""
        return self.last is not None and bool(self._text(partial=True) or _calls_a_tool(self.last))

    @property
    def text(self) -> str:
        """The text that has come so far."""
        return self._text(partial=True)

    def fields(self, *, partial: bool = False) -> dict[str, object]:
        """The fields of an `LLMCall` that the responses settle."""
        usage = self.usage or Usage()
        fields: dict[str, object] = {
            "served_model": self.served_model,
            "service_tier": self.service_tier,
            "finish_reason": self.finish_reason,
            **usage._asdict(),
        }
        if usage.input_tokens is not None and usage.output_tokens is not None:
            fields["usage_source"] = "reported"
        if self.last is not None:
            fields["answer"] = [self._message(self.last, partial=partial)]
        return fields

    def _see_raw(self, raw: Mapping[str, object]) -> None:
        whole = raw.get("response")
        if whole is not None and not isinstance(whole, str):
            # events of OpenAI's Responses API carry the answer as a whole inside
            raw = _fields(whole)
        self.served_model = _text(raw.get("model")) or self.served_model
        self.service_tier = _text(raw.get("service_tier")) or self.service_tier
        self.finish_reason = _text(_finish_reason(raw)) or self.finish_reason
        usage = _dumped(raw.get("usage"))
        if usage:
            told = usage_from_response(usage)
            self.usage = told if self.usage is None else told.or_else(self.usage)
            self.service_tier = _text(usage.get("service_tier")) or self.service_tier

    def _message(self, last: Response, *, partial: bool) -> dict[str, object]:
        text = self._text(partial=partial)
        if isinstance(last, CompletionResponse):
            return {"role": "assistant", "content": text}
        message = message_fields(last.message)
        if text != (last.message.content or ""):
            message["content"] = text
        return message

    def _text(self, *, partial: bool) -> str:
        """The text that came: not every integration gathers it in each response of a stream."""
        last = self.last
        if last is None:
            return ""
        text = last.text if isinstance(last, CompletionResponse) else last.message.content or ""
        streamed = "".join(self.deltas)
        # of a whole answer, deltas that do not go on from the text are no deltas
        trusted = len(streamed) > len(text) if partial else streamed.startswith(text)
        return streamed if trusted else text


def _finish_reason(raw: Mapping[str, object]) -> object:
    choices = raw.get("choices")
    if isinstance(choices, list) and choices:
        return _fields(choices[0]).get("finish_reason")
    if raw.get("object") == "response":
        status = raw.get("status")
        return None if status in _UNFINISHED else status
    return raw.get("stop_reason") or _fields(raw.get("delta")).get("stop_reason")


def _calls_a_tool(response: Response) -> bool:
    if isinstance(response, CompletionResponse):
        return False
    message = response.message
    return any(isinstance(block, ToolCallBlock) for block in message.blocks) or bool(
        message.additional_kwargs.get("tool_calls"),
    )


def _fields(value: object) -> Mapping[str, object]:
    """A provider's object as a mapping, without copying it: this is asked for every streamed token."""
    return value if isinstance(value, dict) else getattr(value, "__dict__", {})


def _dumped(value: object) -> Mapping[str, object]:
    if value is None or isinstance(value, dict):
        return value or {}
    return value.model_dump(warnings=False) if isinstance(value, BaseModel) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
