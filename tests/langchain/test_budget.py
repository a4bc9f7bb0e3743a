"""A chat model within its budget: in a chain, streamed, in batches, with tools; refused or downgraded."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from examsgraph_callbacks import BudgetGuard, Journal, tutoring
from examsgraph_callbacks.errors import BudgetExceededError
from examsgraph_callbacks.langchain import BudgetedModel, ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel

# at 2.50 and 10 USD for a million tokens: 0.0125 USD a call
USAGE = {"input_tokens": 1000, "output_tokens": 1000, "total_tokens": 2000}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def guard(journal: Journal, **given: Any) -> BudgetGuard:
    return BudgetGuard(journal=journal, refresh_seconds=0, **(given or {"daily_usd": "0.03"}))


def recorded(journal: Journal) -> list[str | None]:
    return [fact.requested_model for fact in journal.read() if fact.kind == "llm_call"]  # type: ignore[attr-defined]


def test_a_chain_is_recorded_until_its_calls_are_refused(journal: Journal) -> None:
    model = BudgetedModel(ScriptedModel(usage=USAGE), guard(journal))
    chain = ChatPromptTemplate.from_template("{question}") | model | StrOutputParser()
    config: Any = {"callbacks": [ExamsGraphCallbackHandler(journal=journal)]}
    for _ in range(3):
        assert chain.invoke({"question": "정규화란?"}, config) == "정규화는 중복을 제거합니다"
    with pytest.raises(BudgetExceededError, match=r"it has cost 0\.0375 USD so far"):
        chain.invoke({"question": "정규화란?"}, config)
    assert recorded(journal) == ["gpt-4o"] * 3


def test_a_refused_call_goes_to_the_cheaper_model(journal: Journal) -> None:
    cheap = ScriptedModel(model_name="gpt-4o-mini", usage=USAGE)
    model = BudgetedModel(ScriptedModel(usage=USAGE), guard(journal, daily_usd="0.01"), downgrade_to=cheap)
    config: Any = {"callbacks": [ExamsGraphCallbackHandler(journal=journal)]}
    for _ in range(3):
        model.invoke("정규화란?", config)
    assert recorded(journal) == ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini"]


async def test_every_way_to_call_it_is_guarded(journal: Journal) -> None:
    spent = guard(journal, daily_usd=0)
    model = BudgetedModel(ScriptedModel(usage=USAGE), spent)
    for call in (
        lambda: model.invoke("?"),
        lambda: list(model.stream("?")),
        lambda: model.batch(["?", "?"]),
        lambda: model.bind(stop=["."]).invoke("?"),
        lambda: model.with_retry(stop_after_attempt=1).invoke("?"),
    ):
        with pytest.raises(BudgetExceededError):
            call()
    with pytest.raises(BudgetExceededError):
        await model.ainvoke("?")
    with pytest.raises(BudgetExceededError):
        [chunk async for chunk in model.astream("?")]
    with pytest.raises(BudgetExceededError):
        await model.abatch(["?"])
    allowed = BudgetedModel(ScriptedModel(usage=USAGE), guard(journal, daily_usd=1))
    assert "".join([chunk.content async for chunk in allowed.astream("?")]).startswith("정규화는")
    assert isinstance(await allowed.ainvoke("?"), AIMessage)


def test_tools_and_structure_stay_guarded(journal: Journal) -> None:
    class WithTools(ScriptedModel):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self.bind(tools=tools)

    model = BudgetedModel(WithTools(usage=USAGE), guard(journal, daily_usd=0))
    with pytest.raises(BudgetExceededError):
        model.bind_tools([{"name": "tool"}]).invoke("?")
    with pytest.raises(BudgetExceededError):
        model.with_structured_output({"title": "answer", "description": "", "type": "object"}).invoke("?")


async def test_the_user_is_that_of_the_run(journal: Journal) -> None:
    model = BudgetedModel(ScriptedModel(usage=USAGE), guard(journal, per_user_daily_usd="0.01"))
    config: Any = {
        "callbacks": [ExamsGraphCallbackHandler(journal=journal)],
        "metadata": {"user_id": "user_001"},
    }
    model.invoke("?", config)
    with pytest.raises(BudgetExceededError, match="user_001"):
        model.invoke("?", config)
    with tutoring(user_id="user_001"), pytest.raises(BudgetExceededError, match="user_001"):
        await model.ainvoke("?")
    with tutoring(user_id="user_002"):
        model.invoke("?")
