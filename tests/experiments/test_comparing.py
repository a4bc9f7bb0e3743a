"""Prompts are compared on the same questions, nothing is asked twice, and the budget holds."""

import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.demo.tones import TONES, tone_model
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import LLMCall, PromptComparison, PromptScore, Trace
from examsgraph_callbacks.experiments import PromptExperiment
from examsgraph_callbacks.experiments.comparing import (
    Answer,
    Ask,
    Asked,
    Compared,
    ComparedQuestion,
    compare_offline,
)
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain.asking import asking, chat_model
from tests.langchain.models import ScriptedModel

TONE = PromptExperiment("tone", TONES)
QUESTIONS = tuple(ComparedQuestion.model_validate(question.model_dump()) for question in load_questions()[:4])
ANSWERS = len(QUESTIONS) * len(TONES)


def compared(journal: Journal, ask: Ask | None = None, **how: object) -> Compared:
    return compare_offline(
        TONE,
        QUESTIONS,
        ask or asking(tone_model()),
        "scripted",
        journal,
        **how,  # type: ignore[arg-type]
    )


class Counting:
    """Asks as another does, counts, and fails where it is told to."""

    def __init__(self, fails: Callable[[int], bool] = lambda _number: False) -> None:
        self._ask = asking(tone_model())
        self._fails = fails
        self._lock = threading.Lock()
        self.count = 0
        self.at_once = 0
        self.most_at_once = 0

    def __call__(self, asked: Asked, journal: Journal) -> Answer:
        with self._lock:
            self.count += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            number = self.count
        try:
            if self._fails(number):
                raise TimeoutError("too slow")
            return self._ask(asked, journal)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def test_every_variant_answers_every_question_in_a_turn_that_carries_it(journal: Journal) -> None:
    counting = Counting()
    came = compared(journal, counting, concurrency=3)

    assert counting.count == ANSWERS
    assert counting.most_at_once <= 3
    facts = [*journal.read()]
    comparisons = [fact for fact in facts if isinstance(fact, PromptComparison)]
    assert comparisons == came.comparisons
    assert {each.question_id for each in comparisons} == {question.question_id for question in QUESTIONS}
    turns = {fact.trace_id: fact for fact in facts if isinstance(fact, Trace)}
    for each in comparisons:
        assert each.generated_responses["v1_strict"].startswith("틀렸습니다. ")
        assert each.generated_responses["v2_friendly"].startswith("아쉽네요!")
        for variant, trace_id in each.trace_ids.items():
            turn = turns[trace_id]
            assert (turn.prompt_variant, turn.question_id) == (variant, each.question_id)
            assert turn.outputs == each.generated_responses[variant]
    calls = [fact for fact in facts if isinstance(fact, LLMCall)]
    assert len(calls) == ANSWERS
    assert came.cost_usd is not None
    assert came.cost_usd > 0
    assert {name: len(of_name) for name, of_name in came.calls.items()} == dict.fromkeys(
        TONES, len(QUESTIONS)
    )


def test_run_again_it_asks_only_what_is_missing(journal: Journal) -> None:
    failing = Counting(fails=lambda number: number in {2, 7})
    first = compared(journal, failing, concurrency=1)
    assert len(first.failed) == 2
    assert first.failed[0] == "TimeoutError: too slow"
    assert len(first.comparisons) == len(QUESTIONS) - 2

    again = Counting()
    second = compared(journal, again)
    assert again.count == 2
    assert (second.reused, len(second.comparisons)) == (ANSWERS - 2, len(QUESTIONS))

    nothing = Counting()
    third = compared(journal, nothing)
    assert nothing.count == 0
    assert third.cost_usd == second.cost_usd
    assert sum(isinstance(fact, PromptComparison) for fact in journal.read()) == len(QUESTIONS)


def test_another_text_is_another_answer(journal: Journal) -> None:
    compared(journal)
    changed = PromptExperiment("tone", {**TONES, "v1_strict": TONES["v1_strict"] + " 짧게 답하세요."})
    counting = Counting()
    compare_offline(changed, QUESTIONS, counting, "scripted", journal)
    assert counting.count == len(QUESTIONS)


def test_the_budget_is_not_gone_past(journal: Journal) -> None:
    whole = compared(Journal(journal.path / "whole"))
    assert whole.cost_usd is not None
    budget = whole.cost_usd / 2
    came = compared(journal, concurrency=4, budget_usd=budget)

    assert came.cost_usd is not None
    assert budget / 2 < came.cost_usd <= budget
    assert came.unasked > 0
    more = Counting()
    assert compared(journal, more, budget_usd=budget).unasked == came.unasked
    assert more.count == 0


def test_a_budget_needs_a_price(journal: Journal) -> None:
    unpriced = ScriptedModel(
        model_name="nobody-knows-1", usage={"input_tokens": 9, "output_tokens": 9, "total_tokens": 18}
    )
    came = compared(journal, asking(unpriced), budget_usd=Decimal(1))
    assert came.unpriced == 1
    assert came.unasked == ANSWERS - 1
    assert came.cost_usd is None


def test_peoples_scores_are_in_the_sum(journal: Journal) -> None:
    first = compared(journal)
    for number, each in enumerate(first.comparisons):
        score = {"comparison_id": each.event_id, "prompt_variant": "v1_strict", "score": number}
        fact = {"event_id": uuid4().hex, "started_at": each.started_at, **score}
        journal.write(PromptScore.model_validate(fact))
    assert compared(journal).scores == {"v1_strict": [0, 1, 2, 3], "v2_friendly": [], "v3_encouraging": []}


def test_a_model_that_langchain_does_not_know_is_told() -> None:
    with pytest.raises(InvalidInputError, match="expected a chat model that LangChain can make"):
        chat_model("nobody:nothing-1")
