"""An incident opens once, is told again after the cooldown, and ends with one message, whatever restarts."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from examsgraph_callbacks.alerts import forget_in_alerts, incidents, open_state, open_watch
from examsgraph_callbacks.alerts.rules import DailyCost, Rules
from examsgraph_callbacks.errors import AlreadyWatchingError
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.learner import find_learner
from examsgraph_callbacks.measure import Meter, PriceList, PriceOverride
from tests.alerts.watching import SEOUL, Watching, costly_call, not_understood
from tests.deliver.factories import exploration

OPENED = "🔴 정규화: understood at 2 or less 10 times within 24 h"


def test_it_is_told_once_however_often_it_is_looked_at(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 10)
    assert watching.told() == [OPENED]
    for _ in range(3):
        watching.pass_by(minutes=5)
        not_understood(watching, 1)
        assert watching.told() == []


def test_it_is_told_again_after_the_cooldown_and_once_when_it_is_over(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 10)
    assert watching.told() == [OPENED]
    watching.pass_by(hours=23)
    not_understood(watching, 11)
    assert watching.told() == []
    watching.pass_by(hours=1)
    assert watching.told() == ["🔴 still: 정규화: understood at 2 or less 11 times within 24 h"]
    watching.pass_by(hours=23)
    assert watching.told() == []  # clear, but not for an hour yet
    watching.pass_by(hours=1)
    assert watching.told() == ["✅ resolved: 정규화: understood at 2 or less 11 times within 24 h"]
    watching.pass_by(hours=1)
    assert watching.told() == []
    not_understood(watching, 10)
    assert watching.told() == [OPENED]


def test_a_count_that_wavers_around_the_limit_is_one_incident(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 1)
    watching.pass_by(minutes=30)
    not_understood(watching, 9)
    assert watching.told() == [OPENED]
    watching.pass_by(hours=23, minutes=40)
    assert watching.told() == []  # 9 now
    not_understood(watching, 1)
    assert watching.told() == []  # 10 again


def test_a_message_shows_three_questions_the_cost_and_the_page(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    costly_call(watching, "1.25")
    for fact in not_understood(watching, 10):
        asked = f"{fact.question_id}: 정규화의 목적은?"
        watching.journal.write(exploration(trace_id=fact.trace_id, query=asked, wrong_concept="정규화"))
    (notice,) = watching.round().notices
    assert (notice.rule, notice.subject) == ("concept_confusion", "정규화")
    assert len({example.question_id for example in notice.examples}) == 3
    for example in notice.examples:
        assert example.question == f"{example.question_id}: 정규화의 목적은?"
        assert example.said == "무슨 말인지 더 쉽게 설명해줘"
    assert notice.cost == "Cost of 2026-01-15 so far: $1.25 for 1 calls"
    assert notice.link == "http://mlflow.test/concept_confusion/정규화"


def test_without_examples_no_word_of_a_learner_leaves(tmp_path: Path) -> None:
    watching = Watching(tmp_path, rules=Rules(examples=False))
    not_understood(watching, 10)
    (notice,) = watching.round().notices
    assert len(notice.examples) == 3
    assert {(each.question, each.said) for each in notice.examples} == {(None, None)}


def test_other_prices_count_anew_and_tell_nothing_twice(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 10)
    costly_call(watching, None)
    assert watching.told() == [OPENED]
    million_a_token = PriceOverride(model="우리모델-*", input=1_000_000_000_000, output=0)
    dear = Meter(PriceList([million_a_token]))
    with open_watch(
        watching.journal, watching.rules, (), zone=SEOUL, meter=dear, now=lambda: watching.now
    ) as watch:
        told = [notice.headline for notice in watch.round().notices]
    assert told == ["🔴 2026-01-15 cost $15,000,000.00, more than $50.00"]


def test_who_is_forgotten_counts_no_more(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 10)
    assert watching.told() == [OPENED]
    learner = find_learner(watching.journal.read, {"user_001"})
    forget(watching.journal, learner)
    watching.pass_by(minutes=1)
    assert watching.told() == []
    watching.pass_by(hours=1)
    (notice,) = watching.round().notices
    assert (notice.event, notice.examples) == ("resolved", ())
    state = (watching.journal.path / "alerts" / "state.sqlite").read_bytes()
    assert "쉽게 설명해줘".encode() not in state


def test_a_forgotten_learners_own_incidents_go(tmp_path: Path) -> None:
    per_user = DailyCost(name="per user", per="user", usd=Decimal(1))
    watching = Watching(tmp_path, rules=Rules(rules=(per_user,)))
    costly_call(watching, "2", user_id="user_001")
    costly_call(watching, "2", "other", user_id="user_0010")
    assert len(watching.told()) == 2
    forget_in_alerts(watching.journal.path, {"user_001"})
    with open_state(watching.journal.path) as state:
        assert [each.subject for each in incidents(state.sql)] == ["2026-01-15 user_0010"]


def test_only_one_watches_a_journal(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    with open_watch(watching.journal, Rules(), (), zone=SEOUL), pytest.raises(AlreadyWatchingError):
        watching.round()


def test_facts_from_before_the_horizon_are_history(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 10)
    costly_call(watching, "60")
    watching.pass_by(days=5)
    assert watching.told() == []
    assert watching.rules.horizon == timedelta(days=2)
