"""The calls of the product's document become facts at once, unchanged; wrong ones name the field."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examsgraph_callbacks.capture import Clock, tutoring
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exploration, Fact, Hop, LLMCall, PromptComparison, RetrievalParams
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, measure_path
from examsgraph_callbacks.tracker import Tracker
from tests.tracker.document import COMPARISON, COSTS, EXPLORATION

AT = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
TURN = "0123456789abcdef0123456789abcdef"
NAN = math.nan


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    ids = iter(f"{number:032x}" for number in range(1, 100))
    return Tracker(tmp_path / "journal", Clock(lambda: int(AT.timestamp()) * 10**9, new_id=lambda: next(ids)))


def only(tracker: Tracker) -> Fact:
    (fact,) = tracker.journal.read()
    return fact


class TestAnExploration:
    def test_of_the_document_is_recorded_whole(self, tracker: Tracker) -> None:
        event_id = tracker.trace_graph_exploration(**EXPLORATION)

        fact = only(tracker)
        assert isinstance(fact, Exploration)
        assert (fact.event_id, fact.started_at) == (event_id, AT)
        assert (fact.question_id, fact.wrong_concept) == ("q_001", "데이터베이스 정규화")
        assert fact.source == "caller"
        assert fact.hops == (
            Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.92, depth=1),
            Hop(node="제1정규형", relation="해결", next_node="이상현상", similarity_score=0.85, depth=2),
            Hop(node="이상현상", relation="관련", next_node="SQL 문법", similarity_score=0.45, depth=3),
        )
        assert fact.retrieval_params == RetrievalParams(depth=3, similarity_threshold=0.7, max_hops=5)
        assert fact.final_explanation == "정규화는 데이터 중복을 제거하고..."
        strange = measure_path(fact).anomalous_hops
        assert strange is not None
        assert [each.hop.next_node for each in strange] == ["SQL 문법"]

    def test_from_python_says_threshold_and_user(self, tracker: Tracker) -> None:
        tracker.trace_graph_exploration(
            user_id="user_001",
            question_id="q_001",
            wrong_concept="정규화",
            graph_path=EXPLORATION["graph_path"],
            retrieval_params={"depth": 3, "threshold": 0.7},
            final_explanation="설명",
        )

        fact = only(tracker)
        assert isinstance(fact, Exploration)
        assert fact.retrieval_params == RetrievalParams(depth=3, similarity_threshold=0.7)
        assert fact.user_id == "user_001"

    def test_takes_hops_of_ours_and_numbers_of_numpy(self, tracker: Tracker) -> None:
        hop = Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.92)
        other = {**EXPLORATION["graph_path"][1], "similarity_score": np.float32(0.5)}
        tracker.trace_graph_exploration(
            wrong_concept="정규화", graph_path=(hop, other), retrieval_params={"depth": np.int64(3)}
        )

        fact = only(tracker)
        assert isinstance(fact, Exploration)
        assert [each.similarity_score for each in fact.hops] == [0.92, 0.5]
        assert fact.retrieval_params.depth == 3

    def test_that_branches_has_its_hops_on_their_levels(self, tracker: Tracker) -> None:
        names = [("가", "나"), ("가", "다"), ("다", "라"), ("나", "마"), ("라", "가")]
        path = [{"node": node, "relation": "포함", "next_node": following} for node, following in names]
        tracker.trace_graph_exploration(wrong_concept="가", graph_path=path)

        fact = only(tracker)
        assert isinstance(fact, Exploration)
        assert [hop.depth for hop in fact.hops] == [1, 1, 2, 2, 3]

    def test_that_says_how_long_it_took_began_before(self, tracker: Tracker) -> None:
        tracker.trace_graph_exploration(wrong_concept="가", graph_path=[], latency_ms=1500)

        assert (only(tracker).started_at, only(tracker).ended_at) == (AT - timedelta(seconds=1.5), AT)

    def test_joins_the_turn_that_it_names(self, tracker: Tracker) -> None:
        tracker.trace_graph_exploration(wrong_concept="가", graph_path=[], trace_id=TURN)

        fact = only(tracker)
        assert isinstance(fact, Exploration)
        assert (fact.trace_id, fact.parent_run_id) == (TURN, TURN)


def test_a_comparison_of_the_document_is_recorded_whole(tracker: Tracker) -> None:
    event_id = tracker.compare_prompts(**COMPARISON)

    assert only(tracker) == PromptComparison(event_id=event_id, started_at=AT, **COMPARISON)


@pytest.mark.parametrize(("body", "listed_usd"), [(COSTS[0], "0.00002025"), (COSTS[1], "0.01175")])
def test_a_cost_of_the_document_is_kept_as_stated(
    tracker: Tracker, body: dict[str, Any], listed_usd: str
) -> None:
    tracker.log_llm_cost(**body)

    fact = only(tracker)
    assert isinstance(fact, LLMCall)
    assert (fact.task_type, fact.served_model) == (body["task_type"], body["model_name"])
    assert (fact.input_tokens, fact.output_tokens) == (body["input_tokens"], body["output_tokens"])
    assert (fact.latency_ms, fact.response_quality) == (body["latency_ms"], body["response_quality"])
    assert fact.ended_at == AT
    measured = Meter().measure(fact)
    assert measured.cost_usd == Decimal(str(body["estimated_cost"]))
    assert measured.listed_usd == Decimal(listed_usd)
    assert measured.is_stated_otherwise
    assert not measured.estimated


def test_a_cost_that_nobody_states_is_the_list_price(tracker: Tracker) -> None:
    tracker.log_llm_cost(model_name="gpt-4o", input_tokens=1500, output_tokens=800, latency_ms=3200)

    fact = only(tracker)
    assert isinstance(fact, LLMCall)
    assert Meter().measure(fact).cost_usd == Decimal("0.01175")


def test_the_surrounding_block_fills_what_is_not_passed(tracker: Tracker) -> None:
    with tutoring(user_id="user_001", session_id="s1", question_id="q_9", wrong_concept="조인"):
        tracker.trace_graph_exploration(graph_path=[], question_id="q_001")

    fact = only(tracker)
    assert (fact.user_id, fact.session_id) == ("user_001", "s1")
    assert (fact.question_id, fact.wrong_concept) == ("q_001", "조인")


def test_half_an_emoji_is_replaced_and_the_rest_recorded(tracker: Tracker) -> None:
    tracker.compare_prompts(prompt_variants={"v1": "정규화 \ud83d"}, generated_responses={"v1": "네"})

    fact = only(tracker)
    assert isinstance(fact, PromptComparison)
    assert fact.prompt_variants == {"v1": "정규화 ?"}


def test_content_is_redacted_and_left_out_like_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "kim@example.com"
    Tracker(tmp_path / "a").trace_graph_exploration(
        wrong_concept="가", graph_path=[], final_explanation=secret, query=secret
    )
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    Tracker(tmp_path / "b").compare_prompts(
        prompt_variants={"v1": secret}, generated_responses={"v1": secret}, user_answer=secret
    )
    texts = [segment.read_text() for name in "ab" for segment in Journal(tmp_path / name).segments()]
    assert len(texts) == 2
    assert secret not in "".join(texts)
    assert "[EMAIL]" in texts[0]


def test_the_trackers_own_name_is_the_configured_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import examsgraph_callbacks
    from examsgraph_callbacks import mlflow_tracker, tracker

    monkeypatch.setattr(tracker, "mlflow_tracker", Tracker())
    monkeypatch.setenv("EXAMSGRAPH_JOURNAL", str(tmp_path / "configured"))
    tracker.mlflow_tracker.log_user_feedback(feedback_type="thumbs_up", session_id="s")

    assert isinstance(mlflow_tracker, Tracker)
    assert examsgraph_callbacks.mlflow_tracker is mlflow_tracker
    assert len([*Journal(tmp_path / "configured").read()]) == 1


HOP = EXPLORATION["graph_path"][0]
COST = COSTS[1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"wrong_concept": None}, "expected wrong_concept to be text of 1 to 256 characters, got nothing"),
        ({"graph_path": None}, "expected graph_path to be a list of .* hops, .* got nothing"),
        ({"graph_path": "정규화"}, "expected graph_path to be a list .* got '정규화'"),
        ({"graph_path": [7]}, r"expected graph_path\.0 to be as in graph_path: a list .* got 7"),
        ({"graph_path": [HOP] * 1001}, "expected graph_path to be a list of at most 1,000 hops"),
        (
            {"graph_path": [HOP, {**HOP, "similarity_score": NAN}]},
            r"expected graph_path\.1\.similarity_score to be a number from -1 to 1, got nan",
        ),
        (
            {"graph_path": [{**HOP, "similarity_score": "높음"}]},
            r"graph_path\.0\.similarity_score to be .* got '높음'",
        ),
        ({"graph_path": [{"node": "가", "relation": "나"}]}, r"graph_path\.0\.next_node .* got nothing"),
        (
            {"graph_path": [{**HOP, "노드": "가"}]},
            r"graph_path\.0\.노드 to be left out \(known are node, .*'가'",
        ),
        (
            {"retrieval_params": {"depth": True}},
            r"retrieval_params\.depth to be a whole number of levels, got True",
        ),
        ({"retrieval_params": {"depth": -1}}, r"retrieval_params\.depth .* got -1"),
        (
            {"retrieval_params": {"similarity_threshold": 0.7, "threshold": 0.8}},
            "retrieval_params to be one value for similarity_threshold and threshold.* got 0.7 and 0.8",
        ),
        (
            {"retrieval_params": {"top_k": 5}},
            r"retrieval_params\.top_k to be left out \(known are depth, .* 5",
        ),
        ({"final_explanation": "가" * 100_001}, "final_explanation to be text of at most 100,000 characters"),
        ({"latency_ms": math.inf}, "latency_ms to be a number of milliseconds .* got inf"),
    ],
)
def test_a_wrong_exploration_names_the_field_and_records_nothing(
    tracker: Tracker, given: dict[str, Any], told: str
) -> None:
    refused(tracker, lambda: tracker.trace_graph_exploration(**{**EXPLORATION, **given}), told)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"prompt_variants": {}}, "prompt_variants to be an object of 1 to 100 texts .* got dict of 0"),
        ({"generated_responses": None}, "generated_responses to be an object of 1 to 100 texts"),
        ({"prompt_variants": {"v1": 7}}, r"prompt_variants\.v1 to be as in prompt_variants: .* got 7"),
        ({"manual_scores": {"v1": NAN}}, r"manual_scores\.v1 .* got nan"),
        ({"manual_scores": {"v1": True}}, r"manual_scores\.v1 .* got True"),
        ({"trace_ids": {"v1": "turn-1"}}, r"trace_ids\.v1 .* got 'turn-1'"),
    ],
)
def test_a_wrong_comparison_names_the_field_and_records_nothing(
    tracker: Tracker, given: dict[str, Any], told: str
) -> None:
    refused(tracker, lambda: tracker.compare_prompts(**{**COMPARISON, **given}), told)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model_name": ""}, "model_name to be text of 1 to 256 characters, got ''"),
        ({"input_tokens": -1}, "input_tokens to be a whole number from 0 to 1,000,000,000, got -1"),
        ({"input_tokens": True}, "input_tokens .* got True"),
        ({"input_tokens": 15.0}, "input_tokens .* got 15.0"),
        ({"output_tokens": "30"}, "output_tokens .* got '30'"),
        ({"output_tokens": 10**400}, "output_tokens .* got a number of 1329 bits"),
        ({"output_tokens": None}, "output_tokens .* got nothing"),
        ({"estimated_cost": NAN}, "estimated_cost to be a number of USD from 0 to 1,000,000, got NaN"),
        ({"estimated_cost": -0.01}, "estimated_cost .* got -0.01"),
        ({"estimated_cost": True}, "estimated_cost .* got True"),
        ({"estimated_cost": "0.05"}, "estimated_cost .* got '0.05'"),
        ({"estimated_cost": Decimal("1e7")}, "estimated_cost .* got 1E.7"),
        ({"latency_ms": -1}, "latency_ms .* got -1"),
        ({"latency_ms": None}, "latency_ms .* got nothing"),
        ({"response_quality": ["good"]}, "response_quality to be text .* got list of 1"),
    ],
)
def test_a_wrong_cost_names_the_field_and_records_nothing(
    tracker: Tracker, given: dict[str, Any], told: str
) -> None:
    refused(tracker, lambda: tracker.log_llm_cost(**{**COST, **given}), told)


def refused(tracker: Tracker, call: Callable[[], str], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        call()
    assert [*tracker.journal.read()] == []
