"""How many tokens a call took: as reported by the provider, else estimated from the captured content.

An estimate follows what OpenAI's models are known to add to the text, and errs where that is not
known: hidden reasoning, images, audio, tools that the provider runs and text that was cut when it was
recorded are not counted, and other providers' models are counted with OpenAI's encodings.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from examsgraph_callbacks.events import ContentLength, LLMCall, Message, Request
from examsgraph_callbacks.measure.encodings import token_counter
from examsgraph_callbacks.measure.lengths import answer_length, request_length, text_tokens
from examsgraph_callbacks.measure.texts import answer_schema_text, message_texts
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
# around the name and the arguments of a call: 7 in 30 of 34 recorded answers of gpt-4o and gpt-4.1
# models with one call; two calls come wrapped in a third, and then 14 each is the middle of 11 answers
_PER_TOOL_CALL = 7
_PER_PARALLEL_TOOL_CALL = 14
# both from recorded gpt-4o and gpt-4o-mini answers, which they make exact or one token short
_ANSWER_WITH_TOOLS_OFFERED = 1
_RESPONSES_API_COMPLETED = 1


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
    """The tokens of the captured answer, None where none was captured.

    Within 1 token for text answers of gpt-4o models. Reasoning that is not shown is not counted: for
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
    tokens = sum(_content_tokens(message, count) for message in answer)
    if call.request is not None and call.request.tools and not any(m.tool_calls for m in answer):
        tokens += _ANSWER_WITH_TOOLS_OFFERED
    # chat completions finish with `stop`; `completed` is the Responses API's word
    return tokens + (_RESPONSES_API_COMPLETED if call.finish_reason == "completed" else 0)


def _priming(call: LLMCall) -> int:
    model = call.served_model or call.requested_model or ""
    return _REASONING_PRIMING if _REASONING_MODEL.match(model) else _PRIMING


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
