"""Each question of costs, asked of a journal whose answer can be worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from examsgraph_callbacks.analytics import (
    Analytics,
)
from examsgraph_callbacks.measure import Meter, PriceList, PriceOverride, RoutingPolicy
from tests.analytics.asked import SEOUL_NEW_YEAR, Ask
from tests.analytics.facts import answered, feedback, greeted
from tests.measure.facts import NEW_YEAR, embedding_call


def test_a_users_average_is_over_months_of_the_configured_zone(ask: Ask) -> None:
    # 0.01175 USD a call; in Seoul the first of these is a call of December, and the second of January
    analytics = ask(
        answered(started_at=SEOUL_NEW_YEAR - timedelta(seconds=1)),
        answered(started_at=SEOUL_NEW_YEAR),
        answered(started_at=SEOUL_NEW_YEAR + timedelta(days=3)),
        answered(user_id="user_002"),
    )
    of_one = analytics.average_cost("user_001")
    assert (of_one.average_cost_usd, of_one.months, of_one.calls) == (3 * Decimal("0.01175") / 2, 2, 3)
    assert of_one.average_cost_krw == 3 * Decimal("0.01175") / 2 * 1300
    of_all = analytics.average_cost()
    assert (of_all.average_cost_usd, of_all.users, of_all.months) == (4 * Decimal("0.01175") / 3, 2, 3)
    assert analytics.average_cost("nobody").average_cost_usd is None
    assert analytics.average_cost("nobody").unpriced_share is None


def test_in_another_zone_the_months_are_others(ask: Ask) -> None:
    calls = [answered(started_at=SEOUL_NEW_YEAR - timedelta(seconds=1)), answered(started_at=SEOUL_NEW_YEAR)]
    assert ask(*calls, time_zone=ZoneInfo("UTC")).average_cost().months == 1


def test_a_zone_with_summer_time_has_its_hours(ask: Ask) -> None:
    # clocks went from 2:00 back to 1:00 at 06:00 UTC on 2025-11-02 in New York: 1 o'clock came twice
    autumn = [datetime(2025, 11, 2, hour, 30, tzinfo=UTC) for hour in (4, 5, 6, 7)]
    hours = ask(*(answered(started_at=moment) for moment in autumn), time_zone=ZoneInfo("America/New_York"))
    told = [hour.hour.isoformat() for hour in hours.cost_by_hour().hours]
    assert told == [
        "2025-11-02T00:00:00-04:00",
        "2025-11-02T01:00:00-04:00",
        "2025-11-02T01:00:00-05:00",
        "2025-11-02T02:00:00-05:00",
    ]


def test_shares_say_what_an_average_rests_on(ask: Ask) -> None:
    unpriced = answered(served_model="tutor-ko-7b", requested_model="tutor-ko-7b")
    answer = ask(answered(), unpriced, embedding_call(user_id="user_001"), embedding_call()).average_cost()
    assert (answer.calls, answer.unpriced_share, answer.estimated_share) == (3, 1 / 3, 0.0)
    assert answer.average_cost_usd == Decimal("0.01178")


def test_a_cost_that_was_stated_is_the_cost(ask: Ask) -> None:
    answer = ask(answered(stated_cost_usd="0.75")).average_cost("user_001")
    assert (answer.average_cost_usd, answer.average_cost_krw) == (Decimal("0.75"), Decimal(975))


def test_the_documents_margin(ask: Ask) -> None:
    answer = ask(answered(stated_cost_usd="0.75")).margin()
    assert (answer.subscription_krw, answer.average_cost_krw) == (Decimal(10_000), Decimal(975))
    assert answer.margin_krw == Decimal(9025)
    assert answer.margin_share == 0.9025
    assert (answer.losing_share, answer.verdict) == (0.0, "sustainable")


def test_who_costs_more_than_is_paid_is_counted_to_the_last_digit(ask: Ask) -> None:
    # 3 won of 7 a dollar: 0.428571… USD; 18 decimals of that are no loss yet
    just_not, just = "0.428571428571428571", "0.428571428571428572"
    calls = [
        answered(user_id="1", stated_cost_usd=just_not),
        answered(user_id="2", stated_cost_usd=just),
        answered(user_id="3", stated_cost_usd="5"),
    ]
    answer = ask(*calls, krw_per_usd=7, subscription_price_krw=3).margin()
    assert answer.losing_share == 2 / 3
    assert answer.verdict == "unsustainable"
    assert answer.margin_krw is not None
    assert answer.margin_krw < 0


def test_without_calls_there_is_no_verdict(ask: Ask) -> None:
    answer = ask(feedback()).margin()
    assert (answer.average_cost_usd, answer.margin_krw, answer.verdict) == (None, None, "not enough data")


def test_hours_come_in_order_with_what_each_model_took(ask: Ask) -> None:
    later = NEW_YEAR + timedelta(minutes=90)
    answer = ask(answered(), greeted(), answered(started_at=later), embedding_call()).cost_by_hour()
    assert answer.time_zone == "Asia/Seoul"
    assert [
        (hour.hour.isoformat(), hour.model, hour.cost_usd, hour.total_tokens) for hour in answer.hours
    ] == [
        ("2025-01-01T09:00:00+09:00", "gpt-4o-2024-08-06", Decimal("0.01175"), 2300),
        ("2025-01-01T09:00:00+09:00", "gpt-4o-mini-2024-07-18", Decimal("0.00002025"), 45),
        ("2025-01-01T09:00:00+09:00", "text-embedding-3-small", Decimal("0.00003"), 1500),
        ("2025-01-01T10:00:00+09:00", "gpt-4o-2024-08-06", Decimal("0.01175"), 2300),
    ]


def test_under_other_prices_and_rules_what_was_compacted_is_measured_anew(ask: Ask) -> None:
    analytics = ask(answered(), greeted())
    contract = Meter(
        PriceList([PriceOverride(model="gpt-4o*", input=Decimal(1000), output=Decimal(0))]),
        RoutingPolicy({"complex_reasoning": ("gpt-5",)}),
    )
    for _ in range(2):
        routes = Analytics(analytics._open._journal, meter=contract).routing().routes
        assert [(route.cost_usd, route.misroutes) for route in routes] == [
            (Decimal("1.5"), 1),
            (Decimal("0.015"), None),
        ]
    assert [route.misroutes for route in analytics.routing().routes] == [0, 0]
