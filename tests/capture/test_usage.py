"""Reported usage is normalised without adding anything up twice."""

import pytest

from examsgraph_callbacks.capture import (
    SPLIT_OPEN,
    Usage,
    usage_from_langchain,
    usage_from_openai,
    usage_from_response,
)


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
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (11, 4)


def test_cache_writes_reported_both_ways_are_counted_once() -> None:
    details = {"cache_creation": 11, "ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 4}
    usage = usage_from_langchain({"input_tokens": 20, "output_tokens": 1, "input_token_details": details})
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (11, 4)


def test_how_long_cache_writes_are_kept_stays_unknown_where_nobody_says() -> None:
    usage = usage_from_langchain(
        {"input_tokens": 20, "output_tokens": 1, "input_token_details": {"cache_creation": 11}}
    )
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (11, None)


def test_a_replay_says_that_how_long_they_are_kept_was_open() -> None:
    details = {"cache_creation": 11, SPLIT_OPEN: 1}
    usage = usage_from_langchain({"input_tokens": 20, "output_tokens": 1, "input_token_details": details})
    assert usage == Usage(20, 1, cache_write_tokens=11, cache_write_split_open=True)
    raw = {"input_tokens": 9, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 11}
    usage = usage_from_response({**raw, "output_tokens": 1, SPLIT_OPEN: True})
    assert usage == Usage(20, 1, cached_tokens=0, cache_write_tokens=11, cache_write_split_open=True)


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


class TestARawAnswer:
    def test_of_openais_chat_api(self) -> None:
        usage = usage_from_response({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11})
        assert usage == Usage(9, 2)

    def test_of_openais_responses_api(self) -> None:
        usage = usage_from_response(
            {
                "input_tokens": 100,
                "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10},
                "output_tokens": 50,
                "output_tokens_details": {"reasoning_tokens": 20},
                "total_tokens": 150,
            },
        )
        assert usage == Usage(100, 50, cached_tokens=40, cache_write_tokens=10, reasoning_tokens=20)

    def test_of_anthropics_counts_what_stands_beside_the_input_into_it(self) -> None:
        usage = usage_from_response(
            {
                "input_tokens": 20,
                "cache_read_input_tokens": 40,
                "cache_creation_input_tokens": 11,
                "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 4},
                "output_tokens": 50,
                "output_tokens_details": {"thinking_tokens": 30},
            },
        )
        assert usage == Usage(
            71,
            50,
            cached_tokens=40,
            cache_write_tokens=11,
            reasoning_tokens=30,
            cache_write_1h_tokens=4,
        )

    def test_of_anthropics_from_before_it_had_a_cache(self) -> None:
        assert usage_from_response({"input_tokens": 19, "output_tokens": 22}) == Usage(19, 22)

    def test_that_tells_only_what_it_has_written_leaves_the_input_open(self) -> None:
        usage = usage_from_response(
            {"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 5}
        )
        assert usage == Usage(None, 5)
