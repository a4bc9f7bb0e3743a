"""A LlamaIndex LLM within its budget: the same class, recorded as before, refused or downgraded."""

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage, MockLLM

from examsgraph_callbacks import BudgetGuard, tutoring
from examsgraph_callbacks.errors import BudgetExceededError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.llama_index import within_budget
from tests.deliver.factories import llm_call

ASKED = [ChatMessage(role="user", content="정규화란?")]


def guard(folder: Path, **given: Any) -> BudgetGuard:
    return BudgetGuard(journal=folder / "journal", refresh_seconds=0, **given)


def test_it_is_of_the_same_class_and_answers_as_before(tmp_path: Path) -> None:
    llm = MockLLM(max_tokens=3)
    guarded = within_budget(llm, guard(tmp_path, daily_usd=1))
    assert isinstance(guarded, MockLLM)
    assert guarded.metadata == llm.metadata
    assert guarded.complete("정규화란?").text == llm.complete("정규화란?").text
    assert guarded.chat(ASKED).message.content == llm.chat(ASKED).message.content


async def test_every_way_to_call_it_is_guarded(tmp_path: Path) -> None:
    llm = MockLLM()
    guarded = within_budget(llm, guard(tmp_path, daily_usd=0))
    for call in (
        lambda: guarded.chat(ASKED),
        lambda: guarded.complete("?"),
        lambda: guarded.stream_chat(ASKED),
        lambda: guarded.stream_complete("?"),
    ):
        with pytest.raises(BudgetExceededError):
            call()  # type: ignore[no-untyped-call]
    for called in (
        guarded.achat(ASKED),
        guarded.acomplete("?"),
        guarded.astream_chat(ASKED),
        guarded.astream_complete("?"),
    ):
        with pytest.raises(BudgetExceededError):
            await called
    llm.complete("?")  # what was guarded is a copy


async def test_a_refused_call_goes_to_the_cheaper_model(tmp_path: Path) -> None:
    guarded = within_budget(MockLLM(), guard(tmp_path, daily_usd=0), downgrade_to=MockLLM(max_tokens=1))
    assert guarded.complete("one two three").text == "text"
    assert (await guarded.acomplete("one two three")).text == "text"


def test_the_user_is_the_surroundings(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    call = llm_call(stated_cost_usd="1", user_id="user_001", started_at=datetime.now(UTC))
    Journal(tmp_path / "journal").write(call)
    guarded = within_budget(MockLLM(), guard(tmp_path, per_user_daily_usd=1))
    with tutoring(user_id="user_001"), pytest.raises(BudgetExceededError, match="user_001"):
        guarded.complete("?")
    with tutoring(user_id="user_002"):
        guarded.complete("?")
