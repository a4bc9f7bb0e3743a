"""What an `LLMResult` says of usage, served model and how the answer ended."""

from collections.abc import Mapping

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, Generation, LLMResult

from examsgraph_callbacks.capture import Usage, usage_from_langchain, usage_from_openai
from examsgraph_callbacks.langchain.messages import answer_of

__all__ = ["fields_of_failure", "fields_of_result"]


def fields_of_result(result: LLMResult, *, streamed: bool) -> dict[str, object]:
    """The fields of an `LLMCall` that the result of one run settles.

    Usage stands once per run, on the first generation: summing over n choices would double it.
    """
    generations = result.generations[0] if result.generations else []
    first = generations[0] if generations else None
    message = first.message if isinstance(first, ChatGeneration) else None
    output = result.llm_output or {}
    about = _about(output, first, message)
    fields: dict[str, object] = {"answer": answer_of(generations)}
    if model := about.get("model_name") or about.get("model"):
        fields["served_model"] = _text(model, streamed=streamed)
    if tier := about.get("service_tier") or _tier_of_claude(about):
        fields["service_tier"] = _text(tier, streamed=streamed)
    # the Responses API says neither, but how the answer as a whole ended
    if ended := about.get("finish_reason") or about.get("stop_reason") or about.get("status"):
        fields["finish_reason"] = _text(ended, streamed=streamed)
    usage, from_cache = _usage(message, about, output, streamed=streamed)
    fields |= {name: count for name, count in zip(Usage._fields, usage, strict=True) if count is not None}
    if from_cache:
        fields.update(status="cache_hit", usage_source="cache_hit")
    elif usage.input_tokens is not None and usage.output_tokens is not None:
        fields["usage_source"] = "reported"
    return fields


def fields_of_failure(result: object, *, streamed: bool) -> dict[str, object]:
    """The same for the result that an error leaves behind: `partial` where some of the answer came."""
    if not isinstance(result, LLMResult):
        return {"status": "error"}
    answered = any(
        generation.text or (isinstance(generation, ChatGeneration) and _calls_tools(generation.message))
        for generations in result.generations
        for generation in generations
    )
    if not answered:
        # an HTTP error too is handed over with an empty generation: nothing came, nothing is known
        return {"status": "error"}
    return {**fields_of_result(result, streamed=streamed), "status": "partial"}


def _calls_tools(message: BaseMessage) -> bool:
    return isinstance(message, AIMessage) and bool(message.tool_calls or message.invalid_tool_calls)


def _about(
    output: Mapping[str, object],
    first: Generation | None,
    message: BaseMessage | None,
) -> Mapping[str, object]:
    """What is said of the answer, in three places, the nearest last; mostly one of them says it all."""
    info = (first.generation_info if first is not None else None) or {}
    metadata = message.response_metadata if isinstance(message, AIMessage) else {}
    return {**output, **info, **metadata} if output or info else metadata


def _usage(
    message: BaseMessage | None,
    about: Mapping[str, object],
    output: Mapping[str, object],
    *,
    streamed: bool,
) -> tuple[Usage, bool]:
    """The usage, and whether LangChain's own cache answered (marked by a `total_cost` of 0)."""
    raw = about.get("token_usage")
    metadata = message.usage_metadata if isinstance(message, AIMessage) else None
    if metadata is not None:
        usage = usage_from_langchain(metadata)
        if isinstance(raw, Mapping):
            usage = usage.or_else(usage_from_openai(raw))
        if streamed and usage.input_tokens == 0:
            # no prompt takes no tokens: the provider said it in its first event only, which
            # langchain-anthropic passes over
            usage = usage._replace(
                input_tokens=None,
                cached_tokens=None,
                cache_write_tokens=None,
                cache_write_1h_tokens=None,
                cache_write_split_open=None,
            )
        return usage, metadata.get("total_cost") == 0
    if raw == {} and message is None and not streamed and "token_usage" in output:
        # of several prompts in one request, the first run carries all the usage
        return Usage(input_tokens=0, output_tokens=0), False
    return usage_from_openai(raw) if isinstance(raw, Mapping) else Usage(), False


def _tier_of_claude(about: Mapping[str, object]) -> object:
    usage = about.get("usage")
    return usage.get("service_tier") if isinstance(usage, dict) else None


def _text(value: object, *, streamed: bool) -> str:
    text = str(value)
    # of several choices in a stream LangChain joins what each says of itself: "stopstop"
    return text[: (text + text).index(text, 1)] if streamed else text
