"""How exact estimates are on real recorded answers whose usage is withheld: every one that qualifies counts.

A prompt or an answer is plain where it is text and nothing else:

- of gpt-4o or gpt-4o-mini, by the dated name that answered, at OpenAI or at Azure; the search and audio
  previews are other models, with searches and sounds in them;
- through Chat Completions or the Responses API, streamed or not;
- a plain answer is what was written where no tools were offered: a text, a structured answer or a refusal,
  all choices of it;
- a plain prompt holds text, and offers no tools and no schema, which OpenAI writes into the prompt in a
  form of its own.
"""

import re
from collections.abc import Callable, Iterable

import pytest

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.measure import estimate_input_tokens, estimate_output_tokens
from tests.measure.facts import show
from tests.measure.recorded import Recording, recorded_call, recordings

CHAT_MODEL = re.compile(r"gpt-4o(-mini)?-2")


def is_gpt_4o(recording: Recording) -> bool:
    return CHAT_MODEL.match(recording["response_model"]) is not None


def reported(recording: Recording, *names: str) -> int:
    """The first of the counts that the provider told."""
    return next(int(recording["usage"][name]) for name in names if name in recording["usage"])


def off(
    what: str,
    eligible: Iterable[Recording],
    estimate: Callable[[LLMCall], int | None],
    *names: str,
) -> list[int]:
    """By how many tokens each estimate is off from the first count of `names`, printed with its misses."""
    differences = []
    for one in eligible:
        tokens = estimate(recorded_call(one, reported=False))
        assert tokens is not None
        differences.append(tokens - reported(one, *names))
    misses = sorted(difference for difference in differences if difference)
    show(f"{what}: {differences.count(0)} of {len(differences)} exact, the others off by {misses}")
    return differences


def answers_off(what: str, eligible: Iterable[Recording]) -> list[int]:
    return off(what, eligible, estimate_output_tokens, "completion_tokens", "output_tokens")


def prompts_off(what: str, eligible: Iterable[Recording]) -> list[int]:
    return off(what, eligible, estimate_input_tokens, "prompt_tokens", "input_tokens")


def has_plain_prompt(recording: Recording) -> bool:
    sent = recording["request"]
    asked = sent.get("messages") or sent.get("input") or ()
    contents = [message.get("content") for message in asked if isinstance(message, dict)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    schemas = f"{sent.get('response_format')} {sent.get('text')}"
    return (
        bool(asked)
        and not recording["has_tools"]
        and "json_schema" not in schemas
        and all("text" in block for block in blocks)
    )


def of_gpt_4o(*, tools_offered: bool) -> list[Recording]:
    every = recordings("chat", "responses")
    return [one for one in every if is_gpt_4o(one) and one["has_tools"] == tools_offered]


def test_plain_answers_of_gpt_4o_are_exact() -> None:
    # five of them are exact only by what is known of their months (see `_CHAT_COUNTED_THE_END`), and
    # six only by what is known of refusals
    differences = answers_off("plain answers", of_gpt_4o(tools_offered=False))
    assert len(differences) >= 29
    assert differences.count(0) >= len(differences) * 0.98


def test_plain_prompts_of_gpt_4o_are_exact() -> None:
    plain = [one for one in of_gpt_4o(tools_offered=False) if has_plain_prompt(one)]
    differences = prompts_off("plain prompts", plain)
    assert len(differences) >= 21
    assert differences.count(0) >= len(differences) * 0.95


def test_answers_with_one_tool_call_are_exact() -> None:
    every = recordings("chat", "responses")
    models = ("gpt-4o", "gpt-4.1")
    calls = [one for one in every if one["response_model"].startswith(models) and len(one["tool_calls"]) == 1]
    differences = answers_off("answers with one tool call", calls)
    assert len(differences) >= 34
    assert differences.count(0) >= len(differences) * 0.98


def test_answers_of_gpt_4o_with_tools_offered_are_counted_within_a_few_tokens() -> None:
    differences = answers_off("all answers with tools offered", of_gpt_4o(tools_offered=True))
    assert all(abs(difference) <= 5 for difference in differences)


def test_prompts_of_gpt_4o_with_tools_are_counted_within_a_few_tokens() -> None:
    chats = [one for one in of_gpt_4o(tools_offered=True) if one["api"] == "chat"]
    differences = prompts_off("chat prompts with tools", chats)
    assert sum(abs(tokens) <= 2 for tokens in differences) >= len(differences) * 0.7


def test_plain_prompts_of_reasoning_models_are_exact() -> None:
    chats = [one for one in recordings("chat") if one["response_model"].startswith(("gpt-5", "o3"))]
    differences = prompts_off("plain prompts of reasoning models", filter(has_plain_prompt, chats))
    assert len(differences) >= 10
    assert differences.count(0) == len(differences)


@pytest.mark.parametrize("name", ["gpt-4o-search-preview", "gpt-4o-audio-preview"])
def test_what_is_not_plain_is_shown_beside(name: str) -> None:
    previews = [one for one in recordings("chat") if one["response_model"].startswith(name)]
    differences = answers_off(f"answers of {name}", previews)
    assert all(abs(difference) <= 1 for difference in differences)
