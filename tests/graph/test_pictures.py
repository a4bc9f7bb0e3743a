"""A path drawn as text, taken apart into its branches, and written as the artifact's document."""

import json
import unicodedata
from datetime import UTC, datetime

from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams, Seed
from examsgraph_callbacks.graph import branches, draw_path, path_artifact, trails

FIRST = Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.92)
SECOND = Hop(node="제1정규형", relation="해결", next_node="이상현상", similarity_score=0.85, depth=2)
STRAY = Hop(node="이상현상", relation="관련", next_node="SQL 문법", similarity_score=0.45, depth=3)
ASIDE = Hop(node="정규화", relation="포함", next_node="데이터 모델링", similarity_score=0.72, direction="in")
REJECTED = Hop(
    node="정규화",
    relation="선수",
    next_node="함수 종속",
    similarity_score=0.6,
    verdict="below_threshold",
)


def test_the_path_of_the_products_document_is_drawn_as_there() -> None:
    assert draw_path([FIRST, SECOND, STRAY], strange=[STRAY]) == (
        "정규화 → 제1정규형 (0.92)\n"
        "        → 이상현상 (0.85)\n"
        "        → SQL 문법 (0.45) ⚠️ strange path found!"
    )


def test_each_branch_of_a_path_is_drawn_for_itself() -> None:
    assert draw_path([FIRST, ASIDE, SECOND]) == (
        "정규화 → 데이터 모델링 (0.72)\n\n정규화 → 제1정규형 (0.92)\n        → 이상현상 (0.85)"
    )


def test_with_relations_the_arrow_points_as_the_relation_does() -> None:
    assert draw_path([FIRST, ASIDE], show_relations=True) == (
        "정규화 ─포함→ 제1정규형 (0.92)\n\n정규화 ←포함─ 데이터 모델링 (0.72)"
    )


def test_lines_stand_alike_however_korean_is_encoded() -> None:
    letters = unicodedata.normalize("NFD", "정규화")
    drawn = draw_path([FIRST.model_copy(update={"node": letters}), SECOND])
    assert drawn.splitlines()[1] == "        → 이상현상 (0.85)"
    latin = [
        Hop(node="SQL", relation="r", next_node="b", similarity_score=0.9),
        Hop(node="b", relation="r", next_node="c", similarity_score=0.8),
    ]
    assert draw_path(latin) == "SQL → b (0.90)\n     → c (0.80)"


def test_a_path_without_hops_is_drawn_as_nothing() -> None:
    assert draw_path([]) == ""


def test_a_trail_leads_from_the_beginning_to_each_hop() -> None:
    path = [FIRST, ASIDE, SECOND, STRAY]
    assert trails(path) == (
        (FIRST,),
        (ASIDE,),
        (FIRST, SECOND),
        (FIRST, SECOND, STRAY),
    )
    assert branches(path) == ((ASIDE,), (FIRST, SECOND, STRAY))


def test_a_path_given_from_outside_may_go_in_a_circle() -> None:
    back = Hop(node="제1정규형", relation="포함", next_node="정규화", similarity_score=0.9)
    assert branches([FIRST, back, FIRST]) == ((FIRST, back, FIRST),)


def exploration() -> Exploration:
    return Exploration(
        event_id="0" * 32,
        run_id="1" * 32,
        trace_id="2" * 32,
        started_at=datetime(2025, 1, 15, 10, 30, tzinfo=UTC),
        latency_ms=12.5,
        question_id="q_001",
        wrong_concept="데이터베이스 정규화",
        query="정규화의 목적은?",
        retrieval_params=RetrievalParams(depth=3, similarity_threshold=0.7, max_hops=5),
        seeds=(Seed(node="정규화", similarity_score=0.84),),
        hops=(FIRST, REJECTED, SECOND, STRAY),
        final_explanation="정규화는 데이터 중복을 제거하고...",
    )


def test_the_artifact_begins_as_the_request_that_hands_in_a_path() -> None:
    document = path_artifact(exploration())
    assert list(document)[:5] == [
        "question_id",
        "wrong_concept",
        "graph_path",
        "retrieval_params",
        "final_explanation",
    ]
    assert document["wrong_concept"] == "데이터베이스 정규화"
    assert document["retrieval_params"] == {
        "depth": 3,
        "similarity_threshold": 0.7,
        "max_hops": 5,
    }
    path = document["graph_path"]
    assert isinstance(path, list)
    assert [list(hop)[:4] for hop in path if isinstance(hop, dict)] == [
        ["node", "relation", "next_node", "similarity_score"]
    ] * 3
    assert path[0] == {
        "node": "정규화",
        "relation": "포함",
        "next_node": "제1정규형",
        "similarity_score": 0.92,
        "direction": "out",
        "depth": 1,
    }


def test_the_artifact_holds_every_hop_that_was_looked_at_and_what_else_is_known() -> None:
    document = path_artifact(exploration())
    candidates = document["candidates"]
    assert isinstance(candidates, list)
    assert [hop["verdict"] for hop in candidates if isinstance(hop, dict)] == [
        "followed",
        "below_threshold",
        "followed",
        "followed",
    ]
    assert document["similarity_scale"] == "(1+cos)/2"
    assert document["seeds"] == [{"node": "정규화", "similarity_score": 0.84}]
    assert document["trace_id"] == "2" * 32
    assert "user_id" not in document
    text = json.dumps(document, ensure_ascii=False)
    assert json.loads(text) == document


def test_an_unknown_question_is_none_in_the_artifact() -> None:
    bare = Exploration(event_id="0", run_id="1", started_at=datetime(2025, 1, 15, tzinfo=UTC), latency_ms=0.0)
    document = path_artifact(bare)
    assert (document["question_id"], document["final_explanation"]) == (None, None)
    assert document["graph_path"] == []
