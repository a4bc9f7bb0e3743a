"""What the assertions say where they fail."""

import pytest

from examsgraph_callbacks.events import Hop
from examsgraph_callbacks.pytest_plugin.assertions import assert_costs, assert_path
from tests.measure.facts import exploration, llm_call

FACTS = [
    exploration(
        Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.8),
        Hop(
            node="정규화",
            relation="포함",
            next_node="제2정규형",
            similarity_score=0.65,
            verdict="below_threshold",
        ),
        Hop(node="제1정규형", relation="해결", next_node="이상현상", similarity_score=0.72),
    ),
]


def test_the_path_that_was_taken_passes() -> None:
    assert_path(FACTS, ["제1정규형", "이상현상"])


def test_another_path_is_shown_beside_the_expected_one_with_what_became_of_it() -> None:
    with pytest.raises(AssertionError) as failed:
        assert_path(FACTS, ["제2정규형", "이상현상"])
    expected, taken, difference = str(failed.value).splitlines()
    assert expected == "expected the path 제2정규형 → 이상현상"
    assert taken == "      but it was 제1정규형 → 이상현상"
    assert difference.startswith("they part at concept 1: expected 제2정규형, was 제1정규형")
    assert difference.endswith("(제2정규형 was looked at from 정규화: below_threshold, score 0.65)")
    with pytest.raises(AssertionError, match="they part at concept 3: expected SQL, was nothing more"):
        assert_path(FACTS, ["제1정규형", "이상현상", "SQL"])
    with pytest.raises(
        AssertionError, match="expected an exploration of '다른 질문' that takes SQL, found none"
    ):
        assert_path(FACTS, ["SQL"], query="다른 질문")


def test_a_call_without_a_price_is_not_free() -> None:
    calls = [llm_call(served_model="our-own-model", input_tokens=10, output_tokens=1)]
    with pytest.raises(AssertionError, match="expected every call to have a price, 1 had none: genai-prices"):
        assert_costs(calls, max_usd=1)
    assert_costs([llm_call(status="error", error_type="RateLimitError")], max_usd=0)
    assert_costs(calls, max_tokens=11, max_calls=1)
    with pytest.raises(AssertionError, match="expected at most 0 calls, found 1"):
        assert_costs(calls, max_calls=0)
