"""Routing: which served models a task type may use, and when there is no verdict."""

from pathlib import Path

import pytest

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.measure import RoutingPolicy, load_policy


@pytest.mark.parametrize(
    ("task_type", "model", "misrouted"),
    [
        ("simple_greeting", "gpt-4o-mini", False),
        ("simple_greeting", "gpt-4o-mini-2024-07-18", False),
        ("simple_greeting", "GPT-4o-Mini", False),
        ("simple_greeting", "gpt-4o", True),
        ("simple_greeting", "gpt-4o-2024-08-06", True),
        ("complex_reasoning", "gpt-4o", False),
        ("complex_reasoning", "gpt-4o-2024-08-06", False),
        ("complex_reasoning", "gpt-4o-mini", True),
        ("complex_reasoning", "gpt-4o-mini-2024-07-18", True),
        ("complex_reasoning", "gpt-4o-audio-preview-2024-12-17", True),
        ("complex_reasoning", "gpt-4.1", True),
    ],
)
def test_the_documents_two_rules_hold_unless_others_are_given(
    task_type: str,
    model: str,
    misrouted: bool,
) -> None:
    assert RoutingPolicy().misrouted(task_type, model) is misrouted


@pytest.mark.parametrize(
    ("allowed", "model", "misrouted"),
    [
        ("gpt-4", "gpt-4-0613", False),
        ("gpt-4", "gpt-4-32k-0613", True),
        ("claude-3-5-haiku", "claude-3-5-haiku-20241022", False),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022", False),
        ("claude-3-5-sonnet", "claude-3-5-sonnet@20240620", False),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06", False),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20", True),
        ("gpt-4o-2024-08-06", "gpt-4o", True),
    ],
)
def test_a_name_allows_its_dated_snapshots_and_a_snapshot_only_itself(
    allowed: str,
    model: str,
    misrouted: bool,
) -> None:
    policy = RoutingPolicy({"explain": (allowed,)})
    assert policy.misrouted("explain", model) is misrouted


@pytest.mark.parametrize(
    ("task_type", "model"),
    [(None, "gpt-4o"), ("translate", "gpt-4o"), ("simple_greeting", None)],
)
def test_what_no_rule_speaks_of_is_not_judged(task_type: str | None, model: str | None) -> None:
    assert RoutingPolicy().misrouted(task_type, model) is None


def test_a_policy_loads_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "routing.toml"
    path.write_text('[routing]\n"인사" = ["gpt-4o-mini", "gpt-4.1-nano"]\n', encoding="utf-8")
    policy = load_policy(path)
    assert policy == RoutingPolicy({"인사": ("gpt-4o-mini", "gpt-4.1-nano")})
    assert policy.misrouted("simple_greeting", "gpt-4o") is None


def test_a_rule_that_is_not_a_list_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "routing.toml"
    path.write_text('[routing]\nsimple_greeting = "gpt-4o-mini"\n', encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"routing\.simple_greeting in .*tuple, found 'gpt-4o-mini'"):
        load_policy(path)
