"""A judge is heard where it says the same in both places, is asked nothing twice, and keeps to the budget."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from examsgraph_callbacks.demo.tones import TONES, tone_model
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import LLMCall, PromptComparison, PromptScore
from examsgraph_callbacks.experiments import PromptExperiment
from examsgraph_callbacks.experiments.comparing import compare_offline, tag_of
from examsgraph_callbacks.experiments.judging import Judging
from examsgraph_callbacks.experiments.opinions import Judge, Judgement, Opinion, Placed, Winner
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain.asking import asking, judging
from tests.experiments.test_comparing import QUESTIONS
from tests.journal.facts import BEGAN, llm_call
from tests.langchain.models import ScriptedModel

PAIRS = len(QUESTIONS) * 2
CENT = Decimal("0.01")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "journal")
    tone = PromptExperiment("tone", TONES)
    compare_offline(tone, QUESTIONS, asking(tone_model()), "scripted", journal)
    return journal


class Scripted:
    """A judge of whom it is said what it prefers; each of its calls costs a cent, or nobody knows what."""

    def __init__(self, prefers: Callable[[Placed], Winner | None], cost_usd: Decimal | None = CENT) -> None:
        self._prefers = prefers
        self._cost_usd = cost_usd
        self._numbers: Iterator[int] = iter(range(1_000_000, 2_000_000))
        self.asked: list[Placed] = []
        self._lock = threading.Lock()

    def __call__(self, placed: Placed, journal: Journal) -> Opinion:
        with self._lock:
            self.asked.append(placed)
            call = llm_call(next(self._numbers)).model_copy(
                update={
                    "task_type": "prompt_judging",
                    "tags": placed.tags,
                    "stated_cost_usd": self._cost_usd,
                    **({} if self._cost_usd is not None else {"requested_model": "x", "served_model": "x"}),
                }
            )
        journal.write_fields(call.model_dump(mode="json", exclude_none=True))
        return Opinion(self._prefers(placed), f"이유: {placed.question_id}")


def kind(placed: Placed) -> Winner:
    return "A" if "아쉽네요" in placed.a else "B" if "아쉽네요" in placed.b else "TIE"


def judged(
    journal: Journal, ask: Scripted, budget_usd: Decimal | None = None, at_once: int = 1
) -> tuple[Judging, list[Judgement]]:
    work = Judging("tone", Judge("a judge", ask), journal, budget_usd=budget_usd)
    with ThreadPoolExecutor(at_once) as threads:
        return work, list(threads.map(work.judge, work.pairs))


def figures(work: Judging) -> dict[str, tuple[int, int, int, int, int]]:
    return {
        each.variant: (each.pairs, each.wins, each.losses, each.contradicted, each.unjudged)
        for each in work.results()
    }


def cost_of_answers(journal: Journal) -> Decimal:
    """Of the comparison itself, which the budget is for too."""
    cost = Judging("tone", Judge("x", Scripted(kind)), journal).total_usd
    assert cost is not None
    return cost


def scores_in(journal: Journal) -> list[PromptScore]:
    return [fact for fact in journal.read() if isinstance(fact, PromptScore)]


def test_a_judge_who_means_the_answer_is_heard_in_both_places(journal: Journal) -> None:
    ask = Scripted(kind)
    work, judgements = judged(journal, ask)
    assert figures(work) == {"v2_friendly": (4, 4, 0, 0, 0), "v3_encouraging": (4, 0, 0, 0, 0)}
    assert len(ask.asked) == 2 * PAIRS
    assert {(placed.a, placed.b) for placed in ask.asked} == {(placed.b, placed.a) for placed in ask.asked}
    assert all(placed.tags == (tag_of("tone"),) for placed in ask.asked)
    assert [each.score for each in judgements] == [1.0, 0.5] * len(QUESTIONS)
    assert judgements[0].rationale == (
        f"A v2_friendly, B v1_strict: A. 이유: {QUESTIONS[0].question_id}\n"
        f"A v1_strict, B v2_friendly: B. 이유: {QUESTIONS[0].question_id}"
    )


def test_each_judgement_is_a_fact_as_soon_as_it_is_made(journal: Journal) -> None:
    work, judgements = judged(journal, Scripted(kind))
    comparisons = {fact.event_id for fact in journal.read() if isinstance(fact, PromptComparison)}
    scores = scores_in(journal)
    assert {score.comparison_id for score in scores} == comparisons
    assert {(score.scorer, score.judge) for score in scores} == {("judge", "a judge")}
    assert [(score.score, score.position_consistent, score.rationale) for score in scores] == [
        (each.score, each.position_consistent, each.rationale) for each in judgements
    ]
    assert work.spent().cost_usd == 2 * PAIRS * CENT


def test_a_judge_who_means_the_place_gives_ties_and_is_counted(journal: Journal) -> None:
    work, judgements = judged(journal, Scripted(lambda _placed: "A"))
    assert figures(work) == dict.fromkeys(("v2_friendly", "v3_encouraging"), (4, 0, 0, 4, 0))
    assert [each.contradicted_share for each in work.results()] == [1.0, 1.0]
    assert {(each.score, each.position_consistent) for each in judgements} == {(0.5, False)}


def test_a_judge_who_does_not_answer_as_asked_is_left_out(journal: Journal) -> None:
    work, judgements = judged(journal, Scripted(lambda _placed: None))
    assert figures(work)["v2_friendly"] == (0, 0, 0, 0, 4)
    assert {each.problem for each in judgements} == {"the judge did not answer as asked"}
    assert scores_in(journal) == []


def test_judged_again_it_asks_only_what_is_missing(journal: Journal) -> None:
    def failing(placed: Placed) -> Winner:
        if placed.question_id == QUESTIONS[1].question_id:
            raise TimeoutError("too slow")
        return kind(placed)

    first, judgements = judged(journal, Scripted(failing))
    assert first.failed == ["TimeoutError: too slow"] * 2
    assert [each.problem for each in judgements].count("TimeoutError: too slow") == 2
    again = Scripted(kind)
    second, whole = judged(journal, again)
    assert len(again.asked) == 4
    assert second.reused == PAIRS - 2
    assert all(each.score is not None for each in whole)

    other = Scripted(kind)
    work = Judging("tone", Judge("another judge", other), journal)
    assert len([work.judge(pair) for pair in work.pairs]) * 2 == len(other.asked)


@pytest.mark.parametrize("at_once", [1, 4])
def test_no_pair_is_asked_that_might_go_past_the_budget(journal: Journal, at_once: int) -> None:
    answers = cost_of_answers(journal)
    ask = Scripted(kind)
    work, judgements = judged(journal, ask, answers + 7 * CENT, at_once)
    assert len(ask.asked) == 6
    assert work.unasked == PAIRS - 3
    assert work.total_usd == answers + 6 * CENT
    assert [each.problem for each in judgements].count("not asked: the budget has no room for it") == 5


def test_where_a_call_has_no_price_nothing_more_is_asked_under_a_budget(journal: Journal) -> None:
    ask = Scripted(kind, cost_usd=None)
    work, _ = judged(journal, ask, Decimal(1))
    assert len(ask.asked) == 2
    assert (work.spent().unpriced, work.spent().cost_usd) == (2, None)
    assert work.unasked == PAIRS - 1


def test_who_waits_for_the_budget_is_sent_away_when_it_is_stopped(journal: Journal) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(placed: Placed) -> Winner:
        inside.set()
        leave.wait(60)
        return kind(placed)

    ask = Scripted(slow)
    work = Judging("tone", Judge("slow", ask), journal, budget_usd=cost_of_answers(journal) + 3 * CENT)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(work.judge, work.pairs[0])
        assert inside.wait(60)
        waiting = threads.submit(work.judge, work.pairs[1])  # for what the first leaves of the budget
        work.stop()
        assert waiting.result(60).score is None
        leave.set()
        assert first.result(60).score == 1.0
    assert len(ask.asked) == 2


def test_whom_a_comparison_names_is_named_in_its_judgement_under_the_same_pseudonym(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", "0123456789abcdef")
    journal = Journal(tmp_path / "journal")
    compared = PromptComparison(
        event_id="c" * 32,
        started_at=BEGAN,
        user_id="as it was recorded",
        tags=(tag_of("tone"),),
        generated_responses={"a": "하나", "b": "둘"},
    )
    journal.write(compared)
    judged(journal, Scripted(lambda _placed: "TIE"))
    assert [score.user_id for score in scores_in(journal)] == ["as it was recorded"]


def test_nothing_to_judge_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"expected comparisons of 'tone'.*experiment run"):
        Judging("tone", Judge("x", Scripted(kind)), Journal(tmp_path / "journal"))


def test_any_chat_model_of_langchain_may_judge_and_its_last_word_counts(journal: Journal) -> None:
    model = ScriptedModel(answer="생각해 보니 [[B]]는 아니고\n[[A]]")
    work = Judging("tone", judging(model, "a chat model"), journal)
    judgement = work.judge(work.pairs[0])
    assert (judgement.score, judgement.position_consistent) == (0.5, False)
    assert "생각해 보니 [[B]]는 아니고" in (judgement.rationale or "")
    calls = [
        fact for fact in journal.read() if isinstance(fact, LLMCall) and fact.task_type == "prompt_judging"
    ]
    assert [(call.question_id, call.prompt_variant) for call in calls] == [
        (QUESTIONS[0].question_id, None)
    ] * 2
    assert all(tag_of("tone") in call.tags for call in calls)
    assert work.spent().calls == 2
