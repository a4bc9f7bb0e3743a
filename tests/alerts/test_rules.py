"""What breaks a rule, and what a file of rules may say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examsgraph_callbacks.alerts import Rules, load_rules
from examsgraph_callbacks.errors import InvalidInputError
from tests.alerts.watching import Watching, costly_call, not_understood
from tests.deliver.factories import exploration, llm_call, turn_root


def rules(folder: Path, text: str) -> Rules:
    file = folder / "alerts.toml"
    file.write_text(f"[alerts]\n{text}", encoding="utf-8")
    return load_rules(file)


def test_nine_are_not_ten(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 9)
    not_understood(watching, 9, "조인")
    not_understood(watching, 5, "정규화", understanding_score=3)
    not_understood(watching, 5, "정규화", understanding_score=None)
    assert watching.told() == []
    watching.pass_by(minutes=1)
    not_understood(watching, 1)
    assert watching.told() == ["🔴 정규화: understood at 2 or less 10 times within 24 h"]


def test_the_window_slides(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 9)
    watching.pass_by(hours=24, minutes=1)
    not_understood(watching, 1)
    assert watching.told() == []


def test_what_was_broken_while_nobody_watched_is_told_and_closed(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 12)
    watching.pass_by(hours=25)
    assert watching.told() == ["🔴 정규화: understood at 2 or less 12 times within 24 h"]
    watching.pass_by(hours=2)
    assert watching.told() == ["✅ resolved: 정규화: understood at 2 or less 12 times within 24 h"]


def test_a_feedback_without_a_concept_is_about_its_turns(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    for fact in not_understood(watching, 10, concept=None):
        watching.journal.write(turn_root(wrong_concept="이상현상", trace_id=fact.trace_id))
    assert watching.told() == ["🔴 이상현상: understood at 2 or less 10 times within 24 h"]


def test_the_day_is_the_zones(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    watching.now = datetime(2026, 1, 15, 14, 59, tzinfo=UTC)  # a minute before midnight in Seoul
    costly_call(watching, "30")
    watching.pass_by(minutes=2)
    costly_call(watching, "30")
    assert watching.told() == []
    watching.pass_by(minutes=1)
    costly_call(watching, "20")
    assert watching.told() == []  # 50 is not over 50
    watching.pass_by(minutes=1)
    costly_call(watching, "0.01")
    assert watching.told() == ["🔴 2026-01-16 cost $50.01, more than $50.00"]
    watching.pass_by(hours=24)
    assert watching.told() == ["✅ resolved: 2026-01-16 cost $50.01, more than $50.00"]


def test_an_unpriced_call_is_not_free(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    costly_call(watching, "51", "priced")
    costly_call(watching, None, "unpriced")
    (notice,) = watching.round().notices
    assert notice.title.endswith("more than $50.00; 1 calls without a price are not in it")
    assert notice.cost == (
        "Cost of 2026-01-15 so far: $51.00 for 2 calls; 1 of them have no price and are not in it"
    )


def test_costs_by_user_and_by_model(tmp_path: Path) -> None:
    text = """
        [[alerts.rules]]
        kind = "daily_cost"
        per = "user"
        usd = 0.75
        [[alerts.rules]]
        kind = "daily_cost"
        per = "model"
        usd = 0.75
    """
    watching = Watching(tmp_path, rules=rules(tmp_path, text))
    costly_call(watching, "0.5", "one", user_id="user_001")
    costly_call(watching, "0.5", "two", user_id="user_002")
    watching.pass_by(minutes=1)
    costly_call(watching, "0.26", "three", user_id="user_002", served_model="gpt-4o-2024-08-06")
    assert watching.told() == [
        "🔴 2026-01-15 cost $0.76 by user user_002, more than $0.75",
        "🔴 2026-01-15 cost $1.00 of gpt-4o-mini, more than $0.75",
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("misroute_rate", "🔴 50.0% of 4 judged calls: 2 calls went to a model"),
        ("error_rate", "🔴 25.0% of 8 calls: 2 calls failed"),
        ("stray_hop_rate", "🔴 33.3% of 6 followed hops: 2 hops on paths strayed"),
        ("unpriced_calls", "🔴 2 calls of 우리모델-7b have no price within 24 h"),
    ],
)
def test_rates(tmp_path: Path, kind: str, expected: str) -> None:
    more = "" if kind == "unpriced_calls" else "share = 0.2\nat_least = 4"
    watching = Watching(tmp_path, rules=rules(tmp_path, f'[[alerts.rules]]\nkind = "{kind}"\n{more}'))
    watching.now = datetime(2026, 1, 15, 10, 31, tzinfo=UTC)
    for number in range(2):
        watching.journal.write(exploration(f"turn {number}"))
        for name, fields in {
            "right": {"task_type": "simple_greeting"},
            "wrong": {"task_type": "complex_reasoning"},
            "unpriced": {"served_model": "우리모델-7b", "requested_model": "우리모델-7b", "provider": "자체"},
            "failed": {"status": "error", "input_tokens": None, "output_tokens": None, "served_model": None},
        }.items():
            watching.journal.write(llm_call(f"turn {number}", name, **fields))  # type: ignore[arg-type]
    (told,) = watching.told()
    assert told.startswith(expected)


def test_a_shipper_that_lags(tmp_path: Path) -> None:
    watching = Watching(tmp_path, rules=rules(tmp_path, '[[alerts.rules]]\nkind = "shipper_lag"'))
    watching.lag = timedelta(minutes=15)
    assert watching.told() == []
    watching.lag = timedelta(minutes=40)
    assert watching.told() == ["🔴 MLflow is 40 minutes behind the journal (more than 15 min)"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('cooldown = "a day"', "cooldown in .*expected a duration such as 90s, 15m, 24h or 7d"),
        ('[[alerts.rules]]\nkind = "vibes"', "rules.0 in .*vibes"),
        ('[[alerts.rules]]\nkind = "daily_cost"\neuro = 5', "euro"),
        ('[[alerts.rules]]\nkind = "daily_cost"\n' * 2, "found two 'daily_cost': add  name"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        rules(tmp_path, text)


def test_without_a_file_the_documents_two_hold() -> None:
    confusion, cost = load_rules(None).rules
    assert confusion.model_dump(exclude={"clear_for"}) == {
        "name": "concept_confusion",
        "kind": "concept_confusion",
        "understanding": 2,
        "count": 10,
        "window": timedelta(hours=24),
    }
    assert cost.model_dump(exclude={"clear_for"}) == {
        "name": "daily_cost",
        "kind": "daily_cost",
        "usd": 50,
        "per": "day",
    }


@pytest.mark.parametrize("duration", ["99999999999d", "9999999999h", "3651d"])
def test_a_duration_that_no_calendar_has_room_for_is_told_with_its_place(
    tmp_path: Path, duration: str
) -> None:
    with pytest.raises(InvalidInputError, match=r"alerts\.cooldown in .*alerts\.toml"):
        rules(tmp_path, f'cooldown = "{duration}"')
