"""How many tokens a call took: as reported by the provider, else estimated from the captured content.

An estimate follows what OpenAI's models are known to add to the text, and errs where that is not
known: hidden reasoning, images, audio, tools that the provider runs and text that was cut when it was
recorded are not counted, and other providers' models are counted with OpenAI's encodings.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from examsgraph_callbacks.events import ContentLength, LLMCall, Message, Request
from examsgraph_callbacks.measure.encodings import token_counter
from examsgraph_callbacks.measure.lengths import answer_length, request_length, text_tokens
from examsgraph_callbacks.measure.texts import answer_schema_text, argument_texts, is_refusal, message_texts
from examsgraph_callbacks.measure.tool_definitions import tool_definitions_text

__all__ = ["TokenCounts", "count_tokens", "estimate_input_tokens", "estimate_output_tokens"]

# "How to count tokens with tiktoken", OpenAI cookbook: a message is <|start|>{role}<|message|>{content}
# <|end|>, and the answer is primed with <|start|>assistant<|message|>; exact on 141 of 147 recorded
# gpt-4o prompts without tools
_PER_MESSAGE = 3
_PER_ROLE = 1
_PER_NAME = 1
_PRIMING = 3
# one less in all 11 recorded plain chat prompts of o3-mini, gpt-5 and its successors (not of o1-mini)
_REASONING_MODEL = re.compile(r"(o[3-9]|gpt-5)")
_REASONING_PRIMING = 2
# github.com/hmarr/openai-chat-tokens: the definitions come in a system message of their own, or at
# the end of the one that is there
_TOOL_DEFINITIONS = 9
_JOINED_TO_SYSTEM = 4
# around the name and the arguments of a call: with what follows, exact on 34 of 34 recorded answers of
# gpt-4o and gpt-4.1 models with one call; two calls come wrapped in a third, and then 14 each is the
# middle of 11 answers
_PER_TOOL_CALL = 7
_PER_PARALLEL_TOOL_CALL = 14
_TEXT_WITH_TOOLS_OFFERED = 1
# of an answer that refuses what a schema asked for: 6 of 6 recorded, of October 2024 and March 2026
_REFUSAL = 1
# The Responses API counts the token that ends an answer (5 of 5 recorded texts of gpt-4o models). Chat
# Completions does not (12 of 12), but did for some months: in 8 of 8 recorded answers of gpt-4o and
# gpt-4o-mini from the first of these days to the last (5 texts, 3 with a tool call), and in 14 of 14
# found published elsewhere; never on Azure (1 of 1). OpenAI has moved that token before, and said that
# it may again: github.com/openai/tiktoken/issues/71
_END_OF_ANSWER = 1
_CHAT_COUNTED_THE_END = (date(2024, 12, 20), date(2025, 5, 13))
_CHAT_THAT_COUNTED_THE_END = re.compile(r"gpt-4o(-mini)?(-\d|$)")  # not the audio and search previews


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """A call's tokens, None where they are not known; `estimated` where any of them is an estimate."""

    input_tokens: int | None
    output_tokens: int | None
    estimated: bool


def count_tokens(call: LLMCall) -> TokenCounts:
    """The tokens that the provider processed for `call`; what was reported is taken as it is.

    A cache hit took none: what it saved stands in `call`. Of a call that failed without a report
    nothing is known, not even that the provider read the prompt.

    Raises `ExamsGraphError` where the token ranks that ship with this package are damaged.
    """
    if call.status == "cache_hit":
        return TokenCounts(0, 0, estimated=False)
    inputs, outputs = call.input_tokens, call.output_tokens
    if call.status == "error" or (inputs is not None and outputs is not None):
        return TokenCounts(inputs, outputs, estimated=False)
    estimated_inputs = estimate_input_tokens(call) if inputs is None else None
    estimated_outputs = estimate_output_tokens(call) if outputs is None else None
    return TokenCounts(
        estimated_inputs if inputs is None else inputs,
        estimated_outputs if outputs is None else outputs,
        estimated=estimated_inputs is not None or estimated_outputs is not None,
    )


def estimate_input_tokens(call: LLMCall) -> int | None:
    """The tokens of the captured request, None where none was captured.

    As a rule exact for plain-text prompts of gpt-4o models. A prompt of a completion model (role `prompt`)
    is its text alone. Of what was redacted or dropped the length tells, roughly: see `measure.lengths`.
    """
    request, length = call.request, call.request_length
    if request is None or not request.messages:
        return None if length is None else _text_tokens(call, length) + _around_messages(call, length)
    tokens = _request_tokens(call, request)
    return tokens if length is None else tokens + _tokens_lost(call, length, request_length(request))


def estimate_output_tokens(call: LLMCall) -> int | None:
    """The tokens of the captured answer, of all choices, None where none was captured.

    As a rule exact for text answers of gpt-4o models. Reasoning that is not shown is not counted: for
    reasoning models this is a lower bound. Of what was redacted or dropped the length tells, roughly.
    """
    answer, length = call.answer, call.answer_length
    if not answer:
        return None if length is None else _text_tokens(call, length)
    tokens = _answer_tokens(call, answer)
    return tokens if length is None else tokens + _tokens_lost(call, length, answer_length(answer))


def _request_tokens(call: LLMCall, request: Request) -> int:
    count = token_counter(call.served_model, call.requested_model)
    content = sum(_content_tokens(message, count) for message in request.messages)
    if all(message.role == "prompt" for message in request.messages):
        return content
    overhead = sum(_overhead_tokens(message, count) for message in request.messages)
    schema = count(answer_schema_text(request))
    return content + overhead + _priming(call) + _tools_tokens(request, count) + schema


def _answer_tokens(call: LLMCall, answer: tuple[Message, ...]) -> int:
    count = token_counter(call.served_model, call.requested_model)
    return sum(_written_tokens(call, choice, count) + _marks(call, choice) for choice in answer)


def _written_tokens(call: LLMCall, choice: Message, count: Callable[[str], int]) -> int:
    if choice.tool_calls and _names_the_function(call.request):
        # the name is given, not written: 3 of 3 recorded, of three models and both APIs
        return sum(map(count, argument_texts(choice)))
    return _content_tokens(choice, count)


def _names_the_function(request: Request | None) -> bool:
    match request and request.parameters.get("tool_choice"):
        case {"function": {"name": str()}} | {"type": "function", "name": str()}:
            return True
        case _:
            return False


def _marks(call: LLMCall, choice: Message) -> int:
    """The tokens of an answer that are not in its text."""
    tools_offered = call.request is not None and bool(call.request.tools) and not choice.tool_calls
    return (
        (_TEXT_WITH_TOOLS_OFFERED if tools_offered else 0)
        + (_REFUSAL if is_refusal(choice) else 0)
        + (_END_OF_ANSWER if _end_is_counted(call) else 0)
    )


def _end_is_counted(call: LLMCall) -> bool:
    # chat completions finish with `stop` or `tool_calls`; `completed` is the Responses API's word
    if call.finish_reason not in {"stop", "tool_calls"}:
        return call.finish_reason == "completed"
    first, last = _CHAT_COUNTED_THE_END
    return (
        first <= call.started_at.date() <= last
        and call.provider != "azure"
        and _CHAT_THAT_COUNTED_THE_END.match(_model(call)) is not None
    )


def _priming(call: LLMCall) -> int:
    return _REASONING_PRIMING if _REASONING_MODEL.match(_model(call)) else _PRIMING


def _model(call: LLMCall) -> str:
    return call.served_model or call.requested_model or ""


def _overhead_tokens(message: Message, count: Callable[[str], int]) -> int:
    name = count(message.name) + _PER_NAME if message.name else 0
    return _PER_MESSAGE + count(message.role) + name


def _content_tokens(message: Message, count: Callable[[str], int]) -> int:
    each = _PER_TOOL_CALL if len(message.tool_calls) == 1 else _PER_PARALLEL_TOOL_CALL
    return sum(map(count, message_texts(message))) + each * len(message.tool_calls)


def _tools_tokens(request: Request, count: Callable[[str], int]) -> int:
    text = tool_definitions_text(request.tools)
    if not text:
        return 0
    joined = any(message.role in {"system", "developer"} for message in request.messages)
    return count(text) + _TOOL_DEFINITIONS - (_JOINED_TO_SYSTEM if joined else 0)


def _text_tokens(call: LLMCall, length: ContentLength) -> int:
    return round(text_tokens(length, call.served_model, call.requested_model))


def _around_messages(call: LLMCall, length: ContentLength) -> int:
    return length.messages * (_PER_MESSAGE + _PER_ROLE) + (_priming(call) if length.messages else 0)


def _tokens_lost(call: LLMCall, before: ContentLength, after: ContentLength) -> int:
    return _text_tokens(call, before) - _text_tokens(call, after)
