"""A lesson with scripted models and the graph in memory: what it leaves in the journal."""

from collections import Counter
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda

from examsgraph_callbacks.analytics import report
from examsgraph_callbacks.console import Screen
from examsgraph_callbacks.demo.learners import CLASS, missed_questions
from examsgraph_callbacks.demo.lesson import give_lesson
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.demo.run import record_lesson
from examsgraph_callbacks.events import Exploration, Fact, Feedback, LLMCall, Trace
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, estimate_input_tokens, estimate_output_tokens, measure_path
from examsgraph_callbacks.tracker import Tracker

QUESTIONS = load_questions()
MISSED = sum(len(missed_questions(learner, QUESTIONS)) for learner in CLASS)


def lesson(folder: Path) -> list[Fact]:
    journal = Journal(folder / "journal")
    record_lesson(journal, Screen(), pace=0)
    return list(journal.read())


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[Fact]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "NEO4J_URI"):
            patch.delenv(name, raising=False)
        return lesson(tmp_path_factory.mktemp("lesson"))


def test_every_question_is_missed_by_someone() -> None:
    missed = {question.question_id for learner in CLASS for question in missed_questions(learner, QUESTIONS)}

    assert missed == {question.question_id for question in QUESTIONS}
    assert len(QUESTIONS) == 12


def test_one_handler_records_every_turn_with_its_call_and_its_exploration(facts: list[Fact]) -> None:
    kinds = Counter(fact.kind for fact in facts)

    turns = MISSED + len(CLASS)
    assert kinds == {
        "trace": turns,
        "llm_call": turns,
        "retrieval": MISSED,
        "exploration": MISSED,
        "feedback": MISSED,
    }


def test_every_fact_says_whom_and_what_it_was_for(facts: list[Fact]) -> None:
    for fact in facts:
        assert fact.user_id is not None
        assert fact.session_id == fact.user_id.replace("user", "session")
        if fact.task_type == "simple_greeting":
            assert (fact.question_id, fact.wrong_concept) == (None, None)
        else:
            (question,) = (each for each in QUESTIONS if each.question_id == fact.question_id)
            assert (fact.task_type, fact.wrong_concept) == ("complex_reasoning", question.wrong_concept)


def test_the_policy_finds_the_two_long_greetings_that_went_to_the_expensive_model(facts: list[Fact]) -> None:
    misroutes = report(facts, Meter()).calls.misroutes

    assert sorted((each.user_id, each.task_type, each.model) for each in misroutes) == [
        ("user_003", "simple_greeting", "gpt-4o-2024-08-06"),
        ("user_006", "simple_greeting", "gpt-4o-2024-08-06"),
    ]


def test_the_graph_leads_q_001_along_the_documents_path_and_its_last_hop_is_strange(
    facts: list[Fact],
) -> None:
    explorations = [fact for fact in facts if isinstance(fact, Exploration) and fact.question_id == "q_001"]

    assert len(explorations) > 1
    for exploration in explorations:
        measured = measure_path(exploration)
        nodes = [hop.next_node for hop in measured.path]
        assert [measured.path[0].node, *nodes] == ["정규화", "제1정규형", "이상현상", "SQL 문법"]
        assert measured.anomalous_hops is not None
        assert [anomaly.hop.next_node for anomaly in measured.anomalous_hops] == ["SQL 문법"]


def test_feedback_belongs_to_the_turn_that_explained(facts: list[Fact]) -> None:
    explanations = {fact.trace_id: fact.outputs for fact in facts if isinstance(fact, Trace)}

    for fact in facts:
        if isinstance(fact, Feedback):
            assert fact.ai_explanation == explanations[fact.trace_id]


def test_every_failure_finds_its_concept(facts: list[Fact]) -> None:
    feedback = report(facts, Meter()).feedback

    assert feedback.failures > 5
    assert feedback.unattributed_failures == 0


def test_the_scripted_usage_is_counted_from_the_real_texts(facts: list[Fact]) -> None:
    for fact in facts:
        if isinstance(fact, LLMCall):
            assert fact.usage_source == "reported"
            assert fact.input_tokens == estimate_input_tokens(fact)
            assert fact.output_tokens == estimate_output_tokens(fact)


def test_calls_are_streamed_and_priced(facts: list[Fact]) -> None:
    total = report(facts, Meter()).calls.total

    assert total.time_to_first_token_p50_ms is not None
    assert total.cost.usd is not None
    assert total.cost.unpriced == ()


def test_the_same_lesson_again_goes_the_same_way(facts: list[Fact], tmp_path: Path) -> None:
    def course(facts: list[Fact]) -> Counter[tuple[object, ...]]:
        return Counter(
            (fact.kind, fact.user_id, fact.question_id)
            + ((fact.input_tokens, fact.output_tokens) if isinstance(fact, LLMCall) else ())
            + ((fact.understanding_score, fact.followup_text) if isinstance(fact, Feedback) else ())
            for fact in facts
        )

    assert course(lesson(tmp_path)) == course(facts)


def test_an_interrupted_lesson_asks_no_further_questions(tmp_path: Path) -> None:
    asked: list[object] = []

    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    def explain(turn: dict[str, str]) -> str:
        asked.append(turn)
        return "설명"

    with pytest.raises(KeyboardInterrupt):
        give_lesson(RunnableLambda(explain), Tracker(tmp_path / "journal"), CLASS, QUESTIONS, interrupted)

    assert len(asked) == len(CLASS), "only the greetings"
