"""Token counts: what was reported stands, what was not is estimated and says so."""

from typing import Any

import pytest

from examsgraph_callbacks.events import LLMCall, Message, Request
from examsgraph_callbacks.measure import count_tokens, estimate_input_tokens, estimate_output_tokens
from tests.measure.facts import llm_call, show
from tests.measure.recorded import Recording, recorded_call, recordings

GPT_4O = ("gpt-4o-2", "gpt-4o-mini-2")  # the dated chat models, not search or audio previews


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


def test_an_answer_carries_marks_that_depend_on_how_it_was_asked_for() -> None:
    question = Message(role="user", content="hello")
    plain = chat(question)
    with_tools = chat(question, tools=({"name": "explain"},))
    by_responses_api = plain.model_copy(update={"finish_reason": "completed"})
    text = estimate_output_tokens(plain)
    assert text is not None
    assert estimate_output_tokens(with_tools) == text + 1
    assert estimate_output_tokens(by_responses_api) == text + 1


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


def is_plain(recording: Recording) -> bool:
    """Whether text is all that the request held."""
    sent = recording["request"]
    contents = [message.get("content") for message in sent.get("messages", ())]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return (
        bool(contents)
        and not recording["has_tools"]
        and "json_schema" not in str(sent.get("response_format"))
        and all("text" in block for block in blocks)
    )


def is_gpt_4o(recording: Recording) -> bool:
    return bool(recording["response_model"].startswith(GPT_4O))


def prompts_off_by(prompts: list[Recording]) -> list[int]:
    """By how many tokens the estimate of each prompt is off."""
    off = []
    for recording in prompts:
        estimate = estimate_input_tokens(recorded_call(recording, reported=False))
        assert estimate is not None
        off.append(estimate - recording["usage"]["prompt_tokens"])
    return sorted(off)


def test_recorded_gpt_4o_prompts_without_tools_are_counted_as_openai_counts_them() -> None:
    off = prompts_off_by([one for one in recordings("chat") if is_gpt_4o(one) and is_plain(one)])
    show(f"gpt-4o prompts without tools: {off.count(0)} of {len(off)} exact, off by {off}")
    assert len(off) >= 15
    assert off.count(0) >= len(off) * 141 / 147


def test_recorded_prompts_of_reasoning_models_are_counted_as_openai_counts_them() -> None:
    reasoning = [one for one in recordings("chat") if one["response_model"].startswith(("gpt-5", "o3"))]
    off = prompts_off_by([one for one in reasoning if is_plain(one)])
    show(f"gpt-5 and o3-mini prompts without tools: {off.count(0)} of {len(off)} exact, off by {off}")
    assert len(off) >= 10
    assert off.count(0) == len(off)


def test_recorded_gpt_4o_answers_are_counted_within_a_token() -> None:
    answers = [
        one
        for one in recordings("chat", "responses")
        # a recording keeps the text of one choice only, and gpt-4o models never reason
        if is_gpt_4o(one) and not one["has_tools"] and one["n_choices"] == 1 and not one["reasoning_tokens"]
    ]
    off = []
    for one in answers:
        estimate = estimate_output_tokens(recorded_call(one, reported=False))
        reported = one["usage"].get("completion_tokens", one["usage"].get("output_tokens"))
        assert estimate is not None
        off.append(estimate - reported)
    show(f"gpt-4o answers without tools: {off.count(0)} of {len(answers)} exact, off by {sorted(off)}")
    assert len(answers) >= 25
    assert sum(abs(tokens) <= 1 for tokens in off) >= len(answers) * 0.98


def test_recorded_gpt_4o_prompts_with_tools_are_counted_within_a_few_tokens() -> None:
    off = prompts_off_by([one for one in recordings("chat") if is_gpt_4o(one) and one["has_tools"]])
    within = sum(abs(tokens) <= 2 for tokens in off)
    show(f"gpt-4o prompts with tools: {within} of {len(off)} within 2 tokens, off by {off}")
    assert within >= len(off) * 0.7
