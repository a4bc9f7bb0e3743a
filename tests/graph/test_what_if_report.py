"""What other bounds would have made of a whole journal: what is exact, and like compared with like."""

from datetime import UTC, datetime

import pytest

from examsgraph_callbacks.events import Fact, Retrieval, RetrievalParams, RetrievedDocument
from examsgraph_callbacks.graph import WhatIfReport, WhatIfTally, explore
from examsgraph_callbacks.measure import document_tokens
from tests.graph.explorations import DOCUMENTS_PATH, of_the_demo, recorded, told
from tests.graph.graphs import QUERY, scored

HIGHER = RetrievalParams(similarity_threshold=0.72)


def summed_up(*facts: Fact, changes: RetrievalParams = HIGHER) -> WhatIfReport:
    tally = WhatIfTally(changes)
    for fact in facts:
        tally.add(fact)
    return tally.report()


def retrieved(**texts: str) -> Retrieval:
    return Retrieval(
        event_id="e",
        run_id="r",
        started_at=datetime(2025, 1, 15, tzinfo=UTC),
        latency_ms=1.0,
        documents=tuple(
            RetrievedDocument(id=name, content=text, content_length=len(text)) for name, text in texts.items()
        ),
    )


def test_paths_are_compared_before_and_after() -> None:
    report = summed_up(of_the_demo(), of_the_demo())
    assert (report.explorations, report.exact, report.changed) == (2, 2, 2)
    assert (report.cut, report.added) == (4, 0)
    assert (report.before.hops, report.before.average_length, report.before.average_depth) == (6, 3.0, 3.0)
    assert (report.after.hops, report.after.average_length, report.after.average_depth) == (2, 1.0, 1.0)
    # the hop to SQL drifts by the recorded threshold of 0.7, and is cut
    assert (report.before.stray_hops, report.after.stray_hops) == (2, 0)
    assert report.before.stray_rate == pytest.approx(1 / 3)


def test_strays_are_judged_by_the_recorded_threshold_and_by_the_new_one() -> None:
    graph = scored({"a": 0.95, "b": 0.9, "c": 0.86}, [("a", "포함", "b"), ("b", "포함", "c")])
    exploration = recorded(explore(QUERY, graph, RetrievalParams(similarity_threshold=0.7), start=["a"]))
    report = summed_up(exploration, changes=RetrievalParams(similarity_threshold=0.8))
    edges = [hop.edge_similarity or 0 for hop in exploration.hops if hop.verdict == "followed"]
    assert report.after.stray_hops == sum(edge < 0.7 for edge in edges) == 0
    assert report.strays_by_new_threshold == sum(edge < 0.8 for edge in edges)
    assert summed_up(exploration, changes=RetrievalParams(depth=1)).strays_by_new_threshold is None


def test_what_is_not_exact_is_counted_and_in_no_figure() -> None:
    wider = RetrievalParams(beam_width=2)
    report = summed_up(of_the_demo(), told(*DOCUMENTS_PATH), changes=wider)
    assert (report.explorations, report.exact, report.exact_share) == (2, 1, 0.5)
    assert report.new_run_for == (("반정규화", 1),)
    assert report.told == 0, "a beam of two is no tighter bound for a path that was told"
    assert report.before.hops == 3


def test_a_told_path_that_would_be_cut_is_counted_as_told() -> None:
    report = summed_up(told(*DOCUMENTS_PATH), changes=RetrievalParams(similarity_threshold=0.8))
    assert (report.exact, report.told, report.new_run_for) == (0, 1, ())
    assert (report.before.average_length, report.before.stray_rate) == (None, None)


def test_explorations_that_failed_are_left_out() -> None:
    assert summed_up(of_the_demo().model_copy(update={"status": "error"})).explorations == 0
    assert summed_up().exact_share is None


def test_context_tokens_are_those_of_the_documents_before_and_after() -> None:
    texts = {
        "정규화": "중복을 없앤다",
        "제1정규형": "원자값만 갖는다",
        "이상현상": "삽입, 갱신, 삭제",
        "SQL 문법": "SELECT * FROM",
    }
    # the texts may come after the exploration that they belong to
    report = summed_up(of_the_demo(), retrieved(**texts))
    tokens = {
        name: document_tokens(doc) for name, doc in zip(texts, retrieved(**texts).documents, strict=True)
    }
    assert report.context_before.tokens == sum(count or 0 for count in tokens.values())
    assert report.context_after.tokens == (tokens["정규화"] or 0) + (tokens["제1정규형"] or 0)
    assert (report.context_before.unknown, report.context_after.unknown) == (0, 0)


def test_documents_whose_text_is_not_in_the_journal_are_counted_apart() -> None:
    report = summed_up(of_the_demo(), retrieved(정규화="중복을 없앤다"))
    assert (report.context_before.unknown, report.context_after.unknown) == (3, 1)
    assert report.context_before.tokens == report.context_after.tokens > 0
