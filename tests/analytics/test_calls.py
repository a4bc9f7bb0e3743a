"""Calls by task type and model, by user, misrouted and failed: each figure worked out by hand.

USD for a million tokens: gpt-4o 2.50 in, 1.25 cached, 10.00 out; gpt-4o-mini 0.15 in, 0.60 out;
text-embedding-3-small 0.02.
"""

from decimal import Decimal

from examsgraph_callbacks.analytics import CallReport, Cost, report
from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.measure import Meter
from tests.analytics.facts import answered, greeted, silent
from tests.measure.facts import embedding_call


def calls(*facts: LLMCall | EmbeddingCall) -> CallReport:
    return report(facts, Meter()).calls


def test_each_route_has_its_tokens_and_its_cost() -> None:
    summary = calls(answered(cached_tokens=1000), answered(), greeted())

    complex_reasoning, simple_greeting = summary.groups
    assert (complex_reasoning.task_type, complex_reasoning.model) == (
        "complex_reasoning",
        "gpt-4o-2024-08-06",
    )
    figures = complex_reasoning.figures
    assert (figures.calls, figures.input_tokens, figures.output_tokens) == (2, 3000, 1600)
    assert figures.cached_tokens == 1000
    # 500 x 2.50 + 1000 x 1.25 + 800 x 10, and 1500 x 2.50 + 800 x 10, of a million
    assert figures.cost.usd == Decimal("0.0105") + Decimal("0.01175")
    assert simple_greeting.figures.cost.usd == Decimal("0.00002025")
    assert summary.total.cost.usd == Decimal("0.02227025")
    assert summary.price_versions[0].startswith("genai-prices")


def test_a_misroute_is_listed_with_what_it_cost() -> None:
    wrong = greeted(
        event_id="wrong",
        served_model="gpt-4o-2024-08-06",
        user_id="user_002",
        input_tokens=100,
        output_tokens=20,
    )
    summary = calls(greeted(), wrong, answered())

    (misroute,) = summary.misroutes
    assert (misroute.event_id, misroute.user_id, misroute.task_type, misroute.model) == (
        "wrong",
        "user_002",
        "simple_greeting",
        "gpt-4o-2024-08-06",
    )
    assert misroute.cost_usd == Decimal("0.00045")
    assert summary.total.misroutes == 1
    assert [group.figures.misroutes for group in summary.groups] == [0, 1, 0]


def test_an_unknown_cost_stays_unknown_with_its_reason() -> None:
    own = answered(served_model="tutor-ko-7b", requested_model="tutor-ko-7b", provider="school")
    summary = calls(own, own)

    assert summary.total.cost.usd is None
    assert summary.total.cost.unpriced_calls == 2
    ((reason, count),) = summary.total.cost.unpriced
    assert count == 2
    assert "tutor-ko-7b" in reason
    assert summary.users[0].cost.usd is None
    assert summary.average_user_cost_usd is None


def test_what_has_a_price_is_summed_and_what_has_none_is_counted() -> None:
    summary = calls(answered(), answered(served_model="tutor-ko-7b", requested_model="tutor-ko-7b"))

    assert summary.total.cost.usd == Decimal("0.01175")
    assert summary.total.cost.unpriced_calls == 1


def test_a_call_without_usage_is_estimated_and_says_so() -> None:
    total = calls(silent(), answered(), answered(), answered()).total

    assert (total.input_tokens, total.output_tokens) == (8 + 3 * 1500, 1 + 3 * 800)
    assert (total.estimated, total.estimated_share) == (1, 0.25)


def test_errors_are_counted_by_model_and_type_with_what_the_last_one_said() -> None:
    def refused(message: str) -> LLMCall:
        return answered(
            status="error",
            error_type="RateLimitError",
            error_message=message,
            served_model=None,
            input_tokens=None,
            output_tokens=None,
            usage_source=None,
            latency_ms=9000.0,
        )

    torn = answered(status="partial", error_type="APIError", latency_ms=9000.0)
    summary = calls(refused("한도 초과"), refused("다시 시도하세요"), torn, answered())

    error, broken_stream = summary.errors
    assert (error.model, error.error_type, error.count) == ("gpt-4o", "RateLimitError", 2)
    assert error.last_message == "다시 시도하세요"
    assert (broken_stream.error_type, broken_stream.count) == ("APIError", 1)
    assert summary.total.failed == 3
    assert summary.total.latency_p95_ms == 3200.0, "a failure's time is no answer's latency"
    assert summary.total.cost.unpriced_calls == 2


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    twenty = [
        answered(latency_ms=100.0 * number, time_to_first_token_ms=10.0 * number) for number in range(1, 21)
    ]
    total = calls(*twenty).total

    assert total.latency_p50_ms == 1000.0  # the 10th of 20
    assert total.latency_p95_ms == 1900.0  # the 19th of 20
    assert total.time_to_first_token_p50_ms == 100.0
    assert calls(answered()).total.latency_p95_ms == 3200.0


def test_a_cache_hit_took_no_tokens_and_no_time_of_a_model() -> None:
    hit = answered(status="cache_hit", usage_source="cache_hit", cached_tokens=500, latency_ms=1.0)
    total = calls(hit, answered()).total

    assert (total.calls, total.input_tokens, total.cached_tokens) == (2, 1500, None)
    assert total.latency_p50_ms == 3200.0
    assert total.cost.usd == Decimal("0.01175")


def test_users_come_by_falling_cost_and_nobody_is_not_averaged() -> None:
    summary = calls(
        greeted(user_id="user_002"),
        answered(user_id="user_001"),
        greeted(user_id="user_001"),
        answered(user_id=None),
    )

    assert [(user.user_id, user.calls, user.cost.usd) for user in summary.users] == [
        ("user_001", 2, Decimal("0.01177025")),
        (None, 1, Decimal("0.01175")),
        ("user_002", 1, Decimal("0.00002025")),
    ]
    assert summary.average_user_cost_usd == (Decimal("0.01177025") + Decimal("0.00002025")) / 2


def test_embedding_calls_have_figures_of_their_own_and_a_part_in_the_total() -> None:
    summary = calls(answered(), embedding_call(user_id="user_001"), embedding_call(latency_ms=40.0))

    (embeddings,) = summary.embeddings
    assert embeddings.model == "text-embedding-3-small"
    figures = embeddings.figures
    assert (figures.calls, figures.input_tokens, figures.cost.usd) == (2, 3000, Decimal("0.00006"))
    assert (figures.output_tokens, figures.misroutes) == (None, None)
    assert (figures.latency_p50_ms, figures.latency_p95_ms) == (20.0, 40.0)

    total = summary.total
    assert (total.calls, summary.llm_calls, summary.embedding_calls) == (3, 1, 2)
    assert (total.input_tokens, total.output_tokens) == (1500 + 3000, 800)
    assert total.cost.usd == Decimal("0.01175") + Decimal("0.00006")
    assert total.latency_p50_ms == 3200.0, "an embedding's time is no answer's latency"
    assert len(summary.groups) == 1


def test_what_a_learners_embeddings_cost_is_part_of_what_the_learner_cost() -> None:
    summary = calls(answered(), embedding_call(user_id="user_001"))

    (user,) = summary.users
    assert (user.calls, user.cost.usd) == (2, Decimal("0.01178"))
    assert summary.average_user_cost_usd == Decimal("0.01178")


def test_an_embedding_call_without_a_price_makes_the_total_a_lower_bound() -> None:
    silently = embedding_call(input_tokens=None, usage_source=None)
    total = calls(answered(), silently, silently).total

    assert total.cost.usd == Decimal("0.01175")
    ((reason, count),) = total.cost.unpriced
    assert (count, total.cost.unpriced_calls) == (2, 2)
    assert "no usage" in reason


def test_a_failed_embedding_call_is_listed_with_the_errors() -> None:
    failed = embedding_call(status="error", error_type="Timeout", input_tokens=None, usage_source=None)
    summary = calls(failed)

    assert summary.total.failed == 1
    assert [(error.model, error.error_type) for error in summary.errors] == [
        ("text-embedding-3-small", "Timeout"),
    ]


def test_costs_are_added_reason_by_reason() -> None:
    unknown, priced = Cost(None, (("no usage", 2),)), Cost(Decimal(1), (("no usage", 1), ("no price", 1)))
    assert unknown + priced == Cost(Decimal(1), (("no usage", 3), ("no price", 1)))
    assert (Cost(None) + Cost(None)).usd is None
