"""Where tasks went and which variants were used, and what learners thought of it, worked out by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.analytics.asked import Ask
from tests.analytics.facts import answered, feedback, greeted
from tests.measure.facts import NEW_YEAR, embedding_call

QUESTION = {"session_id": "session_1", "question_id": "q_001"}


def test_a_route_tells_what_its_misroutes_cost_and_how_it_was_received(ask: Ask) -> None:
    misrouted = greeted(served_model="gpt-4o-2024-08-06", trace_id="a", response_quality="good")
    answer = ask(
        misrouted,
        misrouted,
        greeted(trace_id="b"),
        answered(trace_id="b", task_type=None, status="error", input_tokens=None, output_tokens=None),
        feedback("thumbs_up", trace_id="a", understanding_score=4),
        feedback("thumbs_down", trace_id="a", understanding_score=1),
        feedback("followup_question", trace_id="b"),
        embedding_call(),
    ).routing()
    untold, wrong, right = answer.routes
    assert (untold.task_type, untold.calls, untold.misroutes, untold.latency_p50_ms) == (None, 1, None, None)
    assert (wrong.requested_model, wrong.served_model) == ("gpt-4o-mini", "gpt-4o-2024-08-06")
    assert (wrong.calls, wrong.misroutes, wrong.qualities) == (2, 2, {"good": 2})
    # 15 in and 30 out: 0.0003375 USD at gpt-4o, 0.00002025 at gpt-4o-mini
    assert wrong.cost_usd == 2 * Decimal("0.0003375")
    assert wrong.misroute_extra_usd == 2 * (Decimal("0.0003375") - Decimal("0.00002025"))
    assert (wrong.understanding, wrong.satisfaction, wrong.scores) == (2.5, 0.5, 2)
    assert (right.misroutes, right.misroute_extra_usd, right.understanding, right.satisfaction) == (
        0,
        None,
        None,
        None,
    )


def test_where_the_price_of_a_misroute_is_unknown_nothing_is_claimed_of_it(ask: Ask) -> None:
    wrong = greeted(served_model="tutor-ko-7b", requested_model="tutor-ko-7b")
    (route,) = ask(wrong, wrong).routing().routes
    assert (route.misroutes, route.cost_usd, route.unpriced_calls, route.misroute_extra_usd) == (
        2,
        None,
        2,
        None,
    )


def test_feedback_without_a_turn_is_about_the_latest_one_on_its_question_in_its_session(ask: Ask) -> None:
    (dear, cheap) = (
        ask(
            greeted(trace_id="a", **QUESTION),
            answered(trace_id="b", started_at=NEW_YEAR + timedelta(seconds=10), **QUESTION),
            feedback(seconds=5, understanding_score=1),
            feedback(seconds=15, understanding_score=5),
        )
        .routing()
        .routes
    )
    assert (dear.understanding, cheap.understanding) == (5.0, 1.0)


def test_prompt_variants_stand_beside_each_other(ask: Ask) -> None:
    strict, friendly = (
        ask(
            answered(trace_id="a", prompt_variant="v1_strict"),
            answered(trace_id="b", prompt_variant="v2_friendly", output_tokens=400),
            greeted(),
            feedback("thumbs_down", trace_id="a", understanding_score=2),
            feedback("thumbs_up", trace_id="b", understanding_score=5),
        )
        .prompt_variants()
        .variants
    )
    assert (strict.variant, strict.cost_usd, strict.understanding) == ("v1_strict", Decimal("0.01175"), 2.0)
    assert (friendly.average_output_tokens, friendly.satisfaction, friendly.turns) == (400.0, 1.0, 1)


def test_a_turn_counts_once_for_each_of_its_routes_with_all_that_was_said_of_it(ask: Ask) -> None:
    dear, cheap = (
        ask(
            *(answered(trace_id="a", event_id=str(number)) for number in range(3)),
            greeted(trace_id="a"),
            answered(trace_id="b"),
            feedback("thumbs_up", trace_id="a", understanding_score=5, event_id="1"),
            feedback("thumbs_down", trace_id="a", understanding_score=1, event_id="2"),
            feedback("thumbs_down", trace_id="b", understanding_score=3, event_id="3"),
        )
        .routing()
        .routes
    )
    assert (dear.calls, dear.scores, dear.understanding) == (4, 3, 3.0)
    assert dear.satisfaction == pytest.approx(1 / 3)
    assert (cheap.calls, cheap.scores, cheap.understanding, cheap.satisfaction) == (1, 2, 3.0, 0.5)


def test_what_is_said_alike_counts_twice_whether_or_not_it_names_its_turn(ask: Ask) -> None:
    (route,) = (
        ask(
            answered(trace_id="a", **QUESTION),
            answered(trace_id="b"),
            feedback("thumbs_up", understanding_score=5),
            feedback("thumbs_up", trace_id="b", understanding_score=5),
        )
        .routing()
        .routes
    )
    assert (route.scores, route.understanding, route.satisfaction) == (2, 5.0, 1.0)


def test_of_turns_that_began_at_the_same_moment_the_last_by_name_is_meant(ask: Ask) -> None:
    dear, cheap = (
        ask(
            greeted(trace_id="b", **QUESTION),
            answered(trace_id="a", **QUESTION),
            feedback(understanding_score=4),
        )
        .routing()
        .routes
    )
    assert (dear.understanding, cheap.understanding) == (None, 4.0)


def test_what_was_said_before_any_turn_on_its_question_is_about_none(ask: Ask) -> None:
    (route,) = (
        ask(
            answered(
                started_at=NEW_YEAR + timedelta(seconds=10), session_id="session_1", question_id="q_001"
            ),
            feedback(seconds=5, understanding_score=1),
        )
        .routing()
        .routes
    )
    assert route.scores == 0


def test_more_variants_than_a_number_has_bits_are_told_apart(ask: Ask) -> None:
    names = [f"v{number:03d}" for number in range(130)]
    of_turns = {"a": (0, 59, 60, 129), "b": (60,), "c": (1,)}
    told = ask(
        *(answered(trace_id=name, prompt_variant=name, event_id=name) for name in names),
        *(
            answered(trace_id=turn, prompt_variant=names[place], event_id=f"{turn}{place}")
            for turn, places in of_turns.items()
            for place in places
        ),
        feedback(trace_id="a", understanding_score=5, event_id="1"),
        feedback(trace_id="b", understanding_score=2, event_id="2"),
    ).prompt_variants()
    scores = {each.variant: each.understanding for each in told.variants}
    assert list(scores) == names
    assert {name: score for name, score in scores.items() if score is not None} == {
        "v000": 5.0,
        "v059": 5.0,
        "v060": 3.5,
        "v129": 5.0,
    }
