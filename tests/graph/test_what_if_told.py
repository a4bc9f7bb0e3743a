"""What other bounds would have made of a path that was told: what is cut, and never what else might come."""

from typing import Any

import pytest

from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import (
    what_if,
)
from tests.graph.explorations import DOCUMENTS_PATH, told


def test_of_a_told_path_it_says_what_is_cut_and_never_what_might_take_its_place() -> None:
    answer = what_if(told(*DOCUMENTS_PATH), RetrievalParams(similarity_threshold=0.8))
    assert [hop.next_node for hop in answer.cut] == ["SQL 문법"]
    assert [hop.next_node for hop in answer.path] == ["제1정규형", "이상현상"]
    assert not answer.is_exact
    assert "only the followed hops were recorded" in (answer.why_not_exact or "")


def test_of_a_told_path_what_lies_behind_a_cut_hop_does_not_remain() -> None:
    first, second, third = DOCUMENTS_PATH
    weak = first.model_copy(update={"similarity_score": 0.71})
    answer = what_if(told(weak, second, third), RetrievalParams(similarity_threshold=0.8))
    assert answer.path == ()
    # it might still be reached another way, all but the two that are below the threshold
    assert [hop.next_node for hop in answer.cut] == ["제1정규형", "SQL 문법"]


@pytest.mark.parametrize(
    ("changes", "remaining"),
    [
        (RetrievalParams(depth=2), 2),
        (RetrievalParams(max_hops=1), 1),
        (RetrievalParams(fan_out=1, beam_width=1), 3),
    ],
)
def test_a_told_path_is_bounded_as_any(changes: RetrievalParams, remaining: int) -> None:
    assert len(what_if(told(*DOCUMENTS_PATH), changes).path) == remaining


@pytest.mark.parametrize(
    ("changes", "fields", "exact"),
    [
        (RetrievalParams(similarity_threshold=0.8), {}, True),
        (RetrievalParams(similarity_threshold=0.6), {}, False),
        (RetrievalParams(max_hops=2), {}, True),
        (RetrievalParams(max_hops=9), {}, False),
        (RetrievalParams(depth=9), {}, False),
        (RetrievalParams(beam_width=1), {}, True),
        (RetrievalParams(similarity_threshold=0.8), {"uncaptured": ("a query returned no path",)}, False),
        (RetrievalParams(similarity_threshold=0.8), {"status": "error"}, False),
    ],
)
def test_a_told_path_is_exact_only_where_tighter_bounds_cut_nothing(
    changes: RetrievalParams, fields: dict[str, Any], exact: bool
) -> None:
    answer = what_if(told(*DOCUMENTS_PATH[:2], source="tap", **fields), changes)
    assert answer.path == DOCUMENTS_PATH[:2]
    assert answer.is_exact is exact


def test_a_told_hop_without_a_score_cannot_be_judged() -> None:
    unknown = DOCUMENTS_PATH[0].model_copy(update={"similarity_score": None})
    answer = what_if(told(unknown), RetrievalParams(similarity_threshold=0.8))
    assert (answer.path, answer.cut, answer.is_exact) == ((unknown,), (), False)
