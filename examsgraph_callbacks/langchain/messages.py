"""LangChain's messages and requests in the vocabulary's terms: `Message` and `Request` fields."""

from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, Generation

from examsgraph_callbacks.capture import joined_texts, plain, recorded_request

__all__ = ["answer_of", "request_of_messages", "request_of_prompts", "requested_model"]

_ROLES = {
    "human": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessageChunk": "system",
    "ToolMessageChunk": "tool",
    "ChatMessageChunk": "chat",
}

_SUCCESS = "success"
# in the content, or among the tool calls
_MAY_BE_EMPTY = (str, list, dict, type(None))
_SAID_ELSEWHERE = frozenset({"parsed", "refusal", "tool_calls"})


def request_of_messages(
    messages: Sequence[BaseMessage],
    parameters: Mapping[str, object],
) -> dict[str, object]:
    """A chat request: its messages, the tools offered and the sampling parameters."""
    given = parameters.get("model_kwargs")
    if given and isinstance(given, dict) and "cache_control" in given:
        # langchain-anthropic sends these along without naming them among the others
        parameters = {"cache_control": given["cache_control"], **parameters}
    return recorded_request([_message(message) for message in messages], parameters)


def request_of_prompts(prompts: Sequence[str], parameters: Mapping[str, object]) -> dict[str, object]:
    """A completion request: each prompt a message of the role `prompt`."""
    return recorded_request([{"role": "prompt", "content": prompt} for prompt in prompts], parameters)


def requested_model(parameters: Mapping[str, object], metadata: Mapping[str, object] | None) -> str | None:
    """The model that the code asked for."""
    model = parameters.get("model") or parameters.get("model_name")
    if not model and metadata:
        model = metadata.get("ls_model_name")
    return str(model) if model else None


def answer_of(generations: Sequence[Generation]) -> list[dict[str, object]]:
    """The choices that came back, as messages."""
    return [_choice(generation) for generation in generations]


def _choice(generation: Generation) -> dict[str, object]:
    if isinstance(generation, ChatGeneration):
        return _message(generation.message)
    return {"role": "assistant", "content": generation.text}


def _message(message: BaseMessage) -> dict[str, object]:
    # by what it says of itself: to ask ten times for its class would take as long as all the rest
    kind = message.type
    role = _ROLES.get(kind, kind)
    content: object = message.content
    if not content and (refusal := message.additional_kwargs.get("refusal")):
        # of Chat Completions it stands beside the content; the Responses API makes it this block
        content = [{"type": "refusal", "refusal": str(refusal)}]
    if role == "assistant":
        content = joined_texts(content)
    fields: dict[str, object] = {
        "role": role,
        "content": content if content.__class__ is str else plain(content),
    }
    if message.name:
        fields["name"] = message.name
    if role == "assistant":
        calls = getattr(message, "tool_calls", None) or []
        # those whose arguments are no JSON are sent too, and are all of some answers
        if broken := getattr(message, "invalid_tool_calls", None):
            calls = [*calls, *broken]
        if calls:
            fields["tool_calls"] = plain(calls)
    elif role == "tool":
        fields["tool_call_id"] = str(getattr(message, "tool_call_id", ""))
    elif role == "chat":
        fields["role"] = str(getattr(message, "role", role))
    if (message.additional_kwargs or role == "tool") and (extra := _extra(message, role)):
        fields["extra"] = extra
    return fields


def _extra(message: BaseMessage, role: str) -> dict[str, object]:
    """What else tells a message from one that says the same: replay must not take one for the other."""
    extra: dict[str, object] = {}
    if role == "tool" and (status := getattr(message, "status", _SUCCESS)) != _SUCCESS:
        extra["status"] = str(status)
    said = {
        key: value
        for key, value in message.additional_kwargs.items()
        # only of these it is plain that an empty one says nothing: of arrays it cannot be asked
        if key not in _SAID_ELSEWHERE and (not isinstance(value, _MAY_BE_EMPTY) or value)
    }
    if said:
        extra["additional_kwargs"] = plain(said)
    return extra
