"""The budget guard: what was spent is the journal's, and an unpriced call is not free."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks import BudgetGuard, pseudonym, tutoring
from examsgraph_callbacks.alerts import Spent
from examsgraph_callbacks.errors import BudgetExceededError, InvalidInputError
from tests.alerts.watching import Watching, costly_call


class Guarding(Watching):
    """A journal with a clock that a guard shares; each look at the elapsed time is two seconds later."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.elapsed = 0.0

    def guard(self, **given: Any) -> BudgetGuard:
        return BudgetGuard(journal=self.journal, now=lambda: self.now, monotonic_seconds=self._later, **given)

    def _later(self) -> float:
        self.elapsed += 2
        return self.elapsed


@pytest.fixture
def guarding(tmp_path: Path) -> Guarding:
    return Guarding(tmp_path)


def refused(check: Callable[[], object]) -> str:
    with pytest.raises(BudgetExceededError) as raised:
        check()
    return str(raised.value)


def test_a_call_is_refused_once_the_day_has_cost_as_much(guarding: Guarding) -> None:
    guard = guarding.guard(daily_usd=1)
    guard.check()
    costly_call(guarding, "0.99", "one")
    guard.check()
    costly_call(guarding, "0.01", "two")
    assert refused(guard.check).startswith(
        "expected the day to cost less than 1 USD, it has cost 1.0000 USD so far"
    )


def test_another_day_begins_with_nothing_by_the_zones_clock(guarding: Guarding) -> None:
    guarding.now = datetime(2026, 1, 15, 14, 59, tzinfo=UTC)  # a minute before midnight in Seoul
    guard = guarding.guard(daily_usd=1)
    costly_call(guarding, "5")
    refused(guard.check)
    guarding.pass_by(minutes=2)
    guard.check()
    costly_call(guarding, "0.4")
    assert guard.spent() == Spent(Decimal("0.4"), 0)
    assert guarding.guard(daily_usd=1).spent() == Spent(Decimal("0.4"), 0)


def test_a_clock_that_is_set_back_over_midnight_and_forth_forgets_no_spending(
    guarding: Guarding,
) -> None:
    guard = guarding.guard(daily_usd=1)
    guarding.now = datetime(2026, 1, 15, 14, 59, tzinfo=UTC)  # a minute before midnight in Seoul
    costly_call(guarding, "0.3", "yesterday")
    assert guard.spent() == Spent(Decimal("0.3"), 0)
    guarding.pass_by(minutes=2)
    costly_call(guarding, "5", "today")
    refused(guard.check)
    guarding.pass_by(minutes=-2)
    assert guard.spent() == Spent(Decimal("0.3"), 0)
    guarding.pass_by(minutes=2)
    refused(guard.check)
    assert guard.spent() == Spent(Decimal(5), 0)
    guarding.pass_by(days=-3)
    assert guard.spent() == Spent()
    guarding.pass_by(days=3)
    assert guard.spent() == Spent(Decimal(5), 0)


def test_a_call_that_another_process_dated_tomorrow_counts_tomorrow(guarding: Guarding) -> None:
    guard = guarding.guard(daily_usd=1)
    guarding.now = datetime(2026, 1, 15, 14, 59, 59, tzinfo=UTC)
    guard.check()
    guarding.pass_by(seconds=2)
    costly_call(guarding, "5")
    guarding.pass_by(seconds=-2)
    guard.check()
    guarding.pass_by(seconds=2)
    refused(guard.check)


def test_one_users_budget_is_no_others(guarding: Guarding) -> None:
    guard = guarding.guard(per_user_daily_usd="0.5")
    costly_call(guarding, "0.6", user_id="user_001")
    with tutoring(user_id="user_001"):
        assert "user user_001 to cost less than 0.5 USD" in refused(guard.check)
    with tutoring(user_id="user_002"):
        guard.check()
    guard.check()


def test_a_user_is_found_under_the_pseudonym(guarding: Guarding, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "a secret of 16 bytes or more"
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", key)
    guard = guarding.guard(per_user_daily_usd="0.5")
    costly_call(guarding, "0.6", user_id=pseudonym("user_001", key))
    refused(lambda: guard.check("user_001"))


def test_an_unpriced_call_is_not_free(guarding: Guarding) -> None:
    strict, lenient = guarding.guard(daily_usd=1), guarding.guard(daily_usd=1, unpriced_call_usd="0.5")
    costly_call(guarding, None, "one")
    assert "1 have none, so what was spent of 1 USD is not known" in refused(strict.check)
    lenient.check()
    assert strict.spent() == Spent(Decimal(0), 1)
    costly_call(guarding, None, "two")
    assert "it has cost 1.0000 USD" in refused(lenient.check)


def test_a_call_that_failed_before_it_used_anything_costs_nothing(guarding: Guarding) -> None:
    guard = guarding.guard(daily_usd=1)
    costly_call(guarding, None, status="error", input_tokens=None, output_tokens=None)
    guard.check()


def test_between_readings_it_knows_only_what_it_knew(guarding: Guarding) -> None:
    guard = guarding.guard(daily_usd=1, refresh_seconds=3)
    guard.check()  # at 2 s
    costly_call(guarding, "5")
    guard.check()  # at 4 s: as stale as it says
    refused(guard.check)  # at 6 s


@pytest.mark.parametrize("given", [{}, {"daily_usd": -1}, {"daily_usd": "much"}, {"daily_usd": float("nan")}])
def test_a_budget_has_to_be_an_amount(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        BudgetGuard(journal=tmp_path / "journal", **given)
