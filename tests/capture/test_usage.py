"""Reported usage is normalised without adding anything up twice."""

import pytest

from examsgraph_callbacks.capture import Usage, usage_from_langchain, usage_from_openai


def test_details_are_parts_of_the_totals() -> None:
    usage = usage_from_langchain(
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "total_tokens": 150,
            "input_token_details": {"cache_read": 40, "cache_creation": 10, "audio": 5},
            "output_token_details": {"reasoning": 20, "audio": 3},
        },
    )
    assert usage == Usage(100, 50, 40, 10, 20, 5, 3)


@pytest.mark.parametrize("tier", ["flex", "priority"])
def test_the_prefix_of_a_service_tier_is_taken_off_the_details(tier: str) -> None:
    usage = usage_from_langchain(
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "input_token_details": {f"{tier}_cache_read": 40, tier: 60},
            "output_token_details": {f"{tier}_reasoning": 20, tier: 30},
        },
    )
    assert (usage.cached_tokens, usage.reasoning_tokens) == (40, 20)


def test_cache_writes_split_by_lifetime_are_added_up() -> None:
    details = {"cache_creation": 0, "ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 4}
    usage = usage_from_langchain({"input_tokens": 20, "output_tokens": 1, "input_token_details": details})
    assert usage.cache_write_tokens == 11


def test_cache_writes_reported_both_ways_are_counted_once() -> None:
    details = {"cache_creation": 11, "ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 4}
    usage = usage_from_langchain({"input_tokens": 20, "output_tokens": 1, "input_token_details": details})
    assert usage.cache_write_tokens == 11


def test_what_was_not_reported_stays_unknown() -> None:
    assert usage_from_langchain({"input_tokens": 3, "output_tokens": 0}) == Usage(3, 0)
    assert usage_from_openai({}) == Usage()


@pytest.mark.parametrize("count", [-1, True, "12", 1.5, None])
def test_a_count_that_is_none_is_unknown(count: object) -> None:
    assert usage_from_openai({"prompt_tokens": count, "completion_tokens": 2}) == Usage(None, 2)


def test_details_that_are_null_are_passed_over() -> None:
    usage = usage_from_openai(
        {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None},
    )
    assert usage == Usage(9, 2)


def test_one_source_fills_in_what_the_other_left_out() -> None:
    assert Usage(10, None, cached_tokens=0).or_else(Usage(99, 5, 7, 3)) == Usage(10, 5, 0, 3)
