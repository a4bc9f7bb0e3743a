"""Tokens of text that was not recorded, from its length: rough, and said to be."""

import pytest

from examsgraph_callbacks.events import ContentLength, LLMCall, Message, Request
from examsgraph_callbacks.measure import answer_length, count_tokens, request_length
from examsgraph_callbacks.measure.encodings import token_counter
from tests.graph.graphs import demo_graph
from tests.measure.facts import llm_call, show
from tests.measure.recorded import recorded_call, recordings

DROPPED = {"request": None, "answer": None}


def without_content(call: LLMCall) -> LLMCall:
    """`call` as it is recorded where content is not."""
    assert call.request is not None
    assert call.answer is not None
    lengths = {"request_length": request_length(call.request), "answer_length": answer_length(call.answer)}
    return call.model_copy(update={**DROPPED, **lengths})


def test_a_length_counts_what_a_model_reads_as_text() -> None:
    request = Request(
        messages=(
            Message(role="system", content="친절한 코치"),
            Message(role="user", content=[{"type": "text", "text": "hi"}, {"type": "image", "url": "data:"}]),
        ),
    )
    assert request_length(request) == ContentLength(messages=2, characters=8, utf8_bytes=18)
    with_tools = request.model_copy(update={"tools": ({"name": "explain", "description": "Explain."},)})
    assert request_length(with_tools).characters > 8 + len("explain" + "Explain.")
    assert request_length(with_tools).messages == 2


def test_a_completion_prompt_is_no_message() -> None:
    request = Request(messages=(Message(role="prompt", content="hi"),))
    assert request_length(request) == ContentLength(messages=0, characters=2, utf8_bytes=2)


def test_half_an_emoji_has_a_length() -> None:
    assert answer_length([Message(role="assistant", content="\ud83d")]).characters == 1


def test_what_is_estimated_from_a_length_says_so() -> None:
    counts = count_tokens(
        llm_call(
            served_model="gpt-4o",
            request_length=ContentLength(messages=2, characters=480, utf8_bytes=480),
            answer_length=ContentLength(messages=1, characters=48, utf8_bytes=48),
        ),
    )
    # a token every 4.8 letters, 4 around each message and 3 to prime the answer
    assert (counts.input_tokens, counts.output_tokens, counts.estimated) == (100 + 11, 10, True)


def test_korean_takes_more_tokens_for_its_length_and_in_older_encodings_still_more() -> None:
    length = ContentLength(messages=0, characters=130, utf8_bytes=390)
    tokens = [
        count_tokens(llm_call(served_model=model, request_length=length)) for model in ("gpt-4o", "gpt-4")
    ]
    assert [count.input_tokens for count in tokens] == [100, 157]


def test_of_a_failed_call_nothing_is_claimed_from_its_length() -> None:
    length = ContentLength(messages=1, characters=450, utf8_bytes=450)
    counts = count_tokens(llm_call(status="error", request_length=length))
    assert (counts.input_tokens, counts.output_tokens) == (None, None)


def test_what_was_redacted_counts_as_long_as_it_was() -> None:
    said = Message(role="user", content="정규화란? " * 50)
    kept = llm_call(served_model="gpt-4o", request=Request(messages=(said,)))
    # the same prompt with a key of 164 letters in it, recorded as a placeholder of 9
    placed = said.model_copy(update={"content": f"{said.content}[API_KEY]"})
    length = request_length(Request(messages=(said,)))
    length = ContentLength(messages=1, characters=length.characters + 164, utf8_bytes=length.utf8_bytes + 164)
    call = llm_call(served_model="gpt-4o", request=Request(messages=(placed,)), request_length=length)
    before, after = count_tokens(kept).input_tokens, count_tokens(call).input_tokens
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(164 / 4.8, abs=4)


def test_korean_exam_texts_are_estimated_within_5_percent_of_their_tokens() -> None:
    texts = [concept.summary for concept in demo_graph().concepts]
    call = llm_call(request=Request(messages=tuple(Message(role="prompt", content=text) for text in texts)))
    assert call.request is not None
    estimate = count_tokens(llm_call(served_model="gpt-4o", request_length=request_length(call.request)))
    exact = sum(map(token_counter("gpt-4o"), texts))
    show(f"{len(texts)} Korean summaries: {exact} tokens, {estimate.input_tokens} by their length")
    assert estimate.input_tokens == pytest.approx(exact, rel=0.05)


def test_recorded_prompts_are_estimated_from_their_lengths_about_as_openai_counted_them() -> None:
    counted, estimated, off = 0, 0, []
    for recording in recordings("chat"):
        call = recorded_call(recording, reported=False)
        if (
            not recording["response_model"].startswith("gpt-4")
            or not call.request
            or not call.request.messages
        ):
            continue
        tokens = count_tokens(without_content(call)).input_tokens
        usage = recording["usage"]
        reported = usage["prompt_tokens"]
        assert tokens is not None
        counted, estimated = counted + reported, estimated + tokens
        off.append(abs(tokens / reported - 1))
    off.sort()
    middle, nine_in_ten = off[len(off) // 2], off[len(off) * 9 // 10]
    show(f"{len(off)} prompts: {counted} tokens, {estimated} by length; {middle:.0%}, {nine_in_ten:.0%} off")
    assert estimated == pytest.approx(counted, rel=0.1)
    assert middle < 0.2
    assert nine_in_ten < 0.4
