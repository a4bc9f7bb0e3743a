"""Each question asked of a journal whose answer can be worked out by hand, before and after compaction."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from examsgraph_callbacks.analytics import (
    Analytics,
    ConceptUnderstanding,
    FailedConceptCount,
    Period,
    RelationQuality,
)
from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.events import RetrievalParams, Seed
from examsgraph_callbacks.journal import Journal
from tests.analytics.asked import Ask
from tests.analytics.facts import answered, document_path, explored, feedback, greeted
from tests.measure.facts import NEW_YEAR, embedding_call


def test_the_documents_top_five_come_out_of_facts_made_to_yield_them(ask: Ask) -> None:
    counts = {"정규화": 42, "이상현상": 35, "함수 종속성": 28, "BCNF": 20, "조인": 15, "뷰": 1}
    failures = [feedback(concept=concept) for concept, count in counts.items() for _ in range(count)]
    answer = ask(*failures, feedback("thumbs_up", concept="뷰")).top_failed_concepts(limit=5)
    assert answer.concepts == tuple(
        FailedConceptCount(concept=concept, failure_count=count)
        for concept, count in counts.items()
        if count > 1
    )
    assert answer.unattributed == 0


def test_a_failure_finds_its_concept_and_what_nothing_tells_is_counted(ask: Ask) -> None:
    answer = ask(
        explored(wrong_concept="이상현상", event_id="1"),
        explored(wrong_concept="조인", event_id="2"),
        explored(wrong_concept="뷰", session_id="session_2", event_id="3"),
        answered(trace_id="t", wrong_concept="BCNF"),
        feedback(seconds=1),  # its question's latest exploration: 조인
        feedback(seconds=1, trace_id="t"),  # its turn: BCNF
        answered(trace_id="u"),
        feedback(seconds=1, trace_id="u"),  # its turn tells none, its question's latest exploration: 조인
        feedback(seconds=1, trace_id="t", concept="정규화"),  # its own
        feedback(seconds=1, trace_id="t", wrong_concept="정규화"),  # its own, from around it
        feedback(seconds=1, session_id="session_9"),  # nobody knows
        feedback("thumbs_up", understanding_score=3, concept="BCNF"),  # no failure
        explored(wrong_concept="함수 종속성", event_id="4", started_at=NEW_YEAR + timedelta(seconds=9)),
    ).top_failed_concepts()
    assert [(each.concept, each.failure_count) for each in answer.concepts] == [
        ("정규화", 2),
        ("조인", 2),
        ("BCNF", 1),
    ]
    assert answer.unattributed == 1


def test_ties_go_by_name_and_a_limit_cuts_what_comes_after(ask: Ask) -> None:
    failed = [feedback(concept=concept) for concept in ("조인", "BCNF", "정규화", "이상현상", "정규화")]
    answer = ask(*failed).top_failed_concepts(limit=3)
    assert [each.concept for each in answer.concepts] == ["정규화", "BCNF", "이상현상"]


def test_a_period_bounds_the_failures_and_not_what_explains_them(ask: Ask) -> None:
    day = timedelta(days=1)
    analytics = ask(
        explored(wrong_concept="조인"),
        feedback(seconds=5),
        feedback(seconds=day.total_seconds()),
        feedback(seconds=2 * day.total_seconds()),
    )
    one_day = Period(since=NEW_YEAR + day, until=NEW_YEAR + 2 * day)
    assert analytics.top_failed_concepts(period=one_day).concepts == (
        FailedConceptCount(concept="조인", failure_count=1),
    )


def test_percentiles_are_of_the_nearest_rank(ask: Ask) -> None:
    (route,) = ask(*(answered(latency_ms=100.0 * number) for number in range(1, 21))).routing().routes
    assert (route.latency_p50_ms, route.latency_p95_ms) == (1000.0, 1900.0)


def test_the_least_understood_concepts_with_enough_scores_come_first(ask: Ask) -> None:
    answer = ask(
        *(feedback("thumbs_up", concept="조인", understanding_score=3) for _ in range(5)),
        *(feedback(concept="뷰", understanding_score=score) for score in (2, 2, 1, 5, 5)),
        feedback("thumbs_up", concept="BCNF", understanding_score=1),
        feedback(concept="말 없는"),
        feedback(session_id=None, understanding_score=3),
    ).understanding_by_concept()
    assert answer.concepts == (
        ConceptUnderstanding(concept="뷰", scores=5, understanding=3.0, failures=5, enough=True),
        ConceptUnderstanding(concept="조인", scores=5, understanding=3.0, failures=0, enough=True),
        ConceptUnderstanding(concept="BCNF", scores=1, understanding=1.0, failures=1, enough=False),
    )
    assert answer.unattributed == 1


def test_paths_are_judged_and_their_dead_ends_counted(ask: Ask) -> None:
    ended = explored(
        document_path()[0],
        retrieval_params=RetrievalParams(depth=2, similarity_threshold=0.7, max_hops=5),
        seeds=(Seed(node="정규화", similarity_score=0.9),),
        started_at=NEW_YEAR + timedelta(days=1),
    )
    answer = ask(
        explored(*document_path()),
        ended,
        explored(*document_path(), threshold=None),
        explored(status="error"),
    ).path_quality()
    assert (answer.explorations, answer.average_path_length, answer.deep) == (3, 7 / 3, 0)
    assert answer.average_depth == 7 / 3
    assert answer.anomalous_share == 1 / 4
    assert answer.dead_ends == 1
    assert answer.relations == (
        RelationQuality(relation="관련", hops=1, anomalous=1, anomalous_share=1.0),
        RelationQuality(relation="해결", hops=1, anomalous=0, anomalous_share=0.0),
        RelationQuality(relation="포함", hops=2, anomalous=0, anomalous_share=0.0),
    )
    assert (answer.first_day, answer.last_day) == (date(2025, 1, 1), date(2025, 1, 2))


def test_each_models_times_errors_and_retries(ask: Ask) -> None:
    failed = answered(
        trace_id="t", status="error", input_tokens=None, output_tokens=None, event_id="1", served_model=None,
        requested_model="gpt-4o-2024-08-06",
    )  # fmt: skip
    again = answered(
        trace_id="t", event_id="2", requested_model="gpt-4o-2024-08-06", cached_tokens=150,
        time_to_first_token_ms=80.0, started_at=NEW_YEAR + timedelta(seconds=1),
    )  # fmt: skip
    left = failed.model_copy(update={"trace_id": "u", "event_id": "3"})
    hit = answered(status="cache_hit", usage_source="cache_hit", latency_ms=1.0)
    answer = ask(failed, again, left, hit, greeted(), embedding_call()).performance()
    dear, cheap = answer.models
    assert (dear.calls, dear.failed, dear.retried) == (4, 2, 1)
    assert (dear.latency_p50_ms, dear.latency_p99_ms, dear.time_to_first_token_p50_ms) == (
        3200.0,
        3200.0,
        80.0,
    )
    assert (dear.cached_share, cheap.cached_share) == (0.1, None)
    # 150 tokens at 2.50 less 1.25 USD a million; 1,500 at 2.50 and 800 at 10
    assert answer.savings.provider_usd == Decimal("0.0001875")
    assert (answer.savings.hits, answer.savings.hits_usd) == (1, Decimal("0.01175"))


def test_everything_can_be_narrowed_to_a_user_or_a_concept(ask: Ask) -> None:
    analytics = ask(
        explored(*document_path(), wrong_concept="정규화", user_id="user_001", event_id="x", trace_id="t"),
        explored(*document_path(), wrong_concept="조인", user_id="user_002", event_id="y", question_id="q_2"),
        answered(trace_id="t"),
        greeted(user_id="user_002"),
        feedback(seconds=1, user_id="user_001"),
        feedback(seconds=1, user_id="user_002", question_id="q_2"),
    )
    of_all = analytics.overview()
    assert (of_all.path_quality.explorations, len(of_all.routing.routes)) == (2, 2)
    of_one = analytics.narrowed(user_id="user_002").overview()
    assert [each.concept for each in of_one.top_failed_concepts.concepts] == ["조인"]
    assert of_one.average_cost.average_cost_usd == Decimal("0.00002025")
    assert (of_one.path_quality.explorations, len(of_one.routing.routes)) == (1, 1)
    about = analytics.narrowed(concept="정규화").overview()
    assert [each.concept for each in about.top_failed_concepts.concepts] == ["정규화"]
    assert about.path_quality.explorations == 1
    assert [route.task_type for route in about.routing.routes] == ["complex_reasoning"]


def test_what_is_written_after_one_answer_is_in_the_next(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    analytics = Analytics(journal)
    assert analytics.average_cost().calls == 0
    for calls in (1, 2, 3):
        journal.write(answered())
        assert analytics.average_cost().calls == calls
    journal.close()
    compact(journal, is_delivered=lambda _segment, _size: True)
    assert analytics.average_cost().calls == 3
    journal.write(answered())
    assert analytics.average_cost().calls == 4
    journal.close()
