"""Token counts: what was reported stands, what was not is estimated and says so.

How exact the estimates are on real recorded answers is held in `test_recorded_tokens.py`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from examsgraph_callbacks.events import LLMCall, Message, Request
from examsgraph_callbacks.measure import count_tokens, estimate_input_tokens, estimate_output_tokens
from tests.measure.facts import llm_call


def chat(*messages: Message, answer: str = "안녕하세요!", **fields: Any) -> LLMCall:
    return llm_call(
        served_model="gpt-4o-2024-08-06",
        request=Request(messages=messages, **fields),
        answer=(Message(role="assistant", content=answer),),
    )


def asked(content: Any, **fields: Any) -> int:
    tokens = estimate_input_tokens(chat(Message(role="user", content=content, **fields)))
    assert tokens is not None
    return tokens


def test_reported_usage_stands_and_is_not_called_estimated() -> None:
    call = llm_call(input_tokens=1500, output_tokens=800, usage_source="reported")
    counts = count_tokens(call)
    assert (counts.input_tokens, counts.output_tokens, counts.estimated) == (1500, 800, False)


def test_a_call_without_usage_is_estimated_and_says_so() -> None:
    # OpenAI reports 14 and 9 for this prompt and this answer
    question = Message(role="user", content="What is the capital of France?")
    counts = count_tokens(chat(question, answer="The capital of France is **Paris**."))
    assert (counts.input_tokens, counts.output_tokens, counts.estimated) == (14, 9, True)


def test_only_what_was_not_reported_is_estimated() -> None:
    question = Message(role="user", content="What is the capital of France?")
    call = chat(question).model_copy(update={"output_tokens": 77, "usage_source": "reported"})
    counts = count_tokens(call)
    assert (counts.input_tokens, counts.output_tokens, counts.estimated) == (14, 77, True)


def test_reported_zero_is_a_report() -> None:
    counts = count_tokens(llm_call(input_tokens=0, output_tokens=0, usage_source="reported"))
    assert (counts.input_tokens, counts.output_tokens, counts.estimated) == (0, 0, False)


def test_a_cache_hit_took_no_tokens() -> None:
    counts = count_tokens(llm_call(status="cache_hit", input_tokens=1500, output_tokens=800))
    assert (counts.input_tokens, counts.output_tokens, counts.estimated) == (0, 0, False)


def test_of_a_failed_call_without_usage_nothing_is_claimed() -> None:
    failed = chat(Message(role="user", content="정규화가 뭐예요?")).model_copy(update={"status": "error"})
    counts = count_tokens(failed)
    assert (counts.input_tokens, counts.output_tokens) == (None, None)


def test_a_cancelled_call_is_estimated_from_the_answer_so_far() -> None:
    cancelled = chat(Message(role="user", content="정규화가 뭐예요?"), answer="정규화는")
    counts = count_tokens(cancelled.model_copy(update={"status": "partial"}))
    assert counts.output_tokens == 4
    assert counts.estimated


def test_without_usage_and_content_nothing_is_known() -> None:
    counts = count_tokens(llm_call(served_model="gpt-4o"))
    assert (counts.input_tokens, counts.output_tokens, counts.estimated) == (None, None, False)


def test_a_prompt_of_a_completion_model_is_its_text_alone() -> None:
    # OpenAI reports 8 for this prompt of davinci-002
    prompt = Message(role="prompt", content="Tell me a joke about opentelemetry")
    call = llm_call(served_model="davinci-002", request=Request(messages=(prompt,)))
    assert estimate_input_tokens(call) == 8


def test_a_name_costs_its_text_and_one_token() -> None:
    assert asked("hello", name="mina") == asked("hello") + asked("mina") - asked("") + 1


def test_text_blocks_count_as_their_text_and_pictures_and_sounds_as_nothing() -> None:
    blocks = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.invalid/picture.png"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    assert asked(blocks) == asked("What is this?")


def test_tool_results_in_blocks_are_counted() -> None:
    nested = {"type": "tool_result", "content": [{"type": "text", "text": "18 degrees"}]}
    assert asked([nested]) == asked("18 degrees")


def test_both_frameworks_forms_of_a_tool_call_count_alike() -> None:
    arguments = '{"concept":"정규화"}'
    openai = {"type": "function", "function": {"name": "explain", "arguments": arguments}}
    langchain = {"name": "explain", "args": {"concept": "정규화"}, "id": "1", "type": "tool_call"}
    assert asked(None, tool_calls=(openai,)) == asked(None, tool_calls=(langchain,))
    assert asked(None, tool_calls=(openai,)) > asked("explain" + arguments)


def test_offered_tools_and_an_answer_schema_are_counted() -> None:
    question = Message(role="user", content="hello")
    tool = {"type": "function", "function": {"name": "explain", "description": "Explain a concept."}}
    answer_format = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    plain = estimate_input_tokens(chat(question))
    with_tool = estimate_input_tokens(chat(question, tools=(tool,)))
    with_schema = estimate_input_tokens(chat(question, parameters={"response_format": answer_format}))
    assert plain is not None
    assert with_tool is not None
    assert with_schema is not None
    assert with_tool > plain + 10
    assert with_schema > plain


def written(call: LLMCall, **fields: Any) -> int:
    """The estimated tokens of the answer of `call`, but for `fields`."""
    tokens = estimate_output_tokens(call.model_copy(update=fields))
    assert tokens is not None
    return tokens


HELLO = Message(role="user", content="hello")
# when Chat Completions counted the token that ends an answer
SPRING = datetime(2025, 4, 18, tzinfo=UTC)
LATER = datetime(2026, 4, 18, tzinfo=UTC)


def test_an_answer_carries_marks_that_depend_on_how_it_was_asked_for() -> None:
    plain = chat(HELLO)
    with_tools = chat(HELLO, tools=({"name": "explain"},))
    assert written(with_tools) == written(plain) + 1
    assert written(plain, finish_reason="completed") == written(plain) + 1  # by the Responses API


def test_a_refusal_costs_a_token_more_than_its_text() -> None:
    block = {"type": "refusal", "refusal": "안녕하세요!"}
    refusal = Message(role="assistant", content=[block])
    assert written(chat(HELLO), answer=(refusal,)) == written(chat(HELLO)) + 1


def test_each_choice_is_counted() -> None:
    plain = chat(HELLO)
    assert plain.answer is not None
    assert written(plain, answer=plain.answer * 2) == 2 * written(plain)


def test_the_name_of_a_function_that_had_to_be_called_was_not_written() -> None:
    arguments = '{"concept":"정규화"}'
    function = {"type": "function", "function": {"name": "explain", "arguments": arguments}}
    called = Message(role="assistant", tool_calls=(function,))
    for choice in (
        {"type": "function", "function": {"name": "explain"}},
        {"type": "function", "name": "explain"},
    ):
        forced = chat(HELLO, parameters={"tool_choice": choice})
        assert written(forced, answer=(called,)) == written(chat(HELLO, answer=arguments))
    free = chat(HELLO, parameters={"tool_choice": "required"})
    assert written(free, answer=(called,)) > written(chat(HELLO, answer="explain" + arguments))


@pytest.mark.parametrize("finish_reason", ["stop", "tool_calls"])
def test_chat_completions_counted_the_end_of_an_answer_for_some_months(finish_reason: str) -> None:
    plain = chat(HELLO).model_copy(update={"finish_reason": finish_reason, "started_at": LATER})
    assert written(plain, started_at=SPRING) == written(plain) + 1
    for day, more in (("2024-12-19", 0), ("2024-12-20", 1), ("2025-05-13", 1), ("2025-05-14", 0)):
        late_that_day = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=23)
        assert written(plain, started_at=late_that_day) == written(plain) + more, day


@pytest.mark.parametrize(
    "otherwise",
    [
        {"provider": "azure"},
        {"served_model": "gpt-4o-audio-preview-2024-12-17"},
        {"served_model": "gpt-4-0613"},
        {"finish_reason": "length"},  # it has no end
        {"finish_reason": None},
    ],
    ids=str,
)
def test_the_end_is_counted_only_where_it_was_seen_to_be(otherwise: dict[str, Any]) -> None:
    spring = chat(HELLO).model_copy(update={"finish_reason": "stop", "started_at": SPRING, **otherwise})
    assert written(spring) == written(spring, started_at=LATER)


@pytest.mark.parametrize(
    "text",
    ["정규화는 중복을 줄입니다 😀", "<|endoftext|>", "half an emoji: \ud83d", "", "가" * 100_000],
)
def test_any_text_can_be_counted(text: str) -> None:
    assert asked(text) >= asked("")


def test_models_that_are_not_openais_are_estimated_all_the_same() -> None:
    call = chat(Message(role="user", content="hello")).model_copy(update={"served_model": "claude-opus-5"})
    assert count_tokens(call).estimated
    assert estimate_input_tokens(call) == asked("hello")
