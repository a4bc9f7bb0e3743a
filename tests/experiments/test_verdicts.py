"""The verdict is one that can be acted on, and is withheld where the numbers cannot be believed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examsgraph_callbacks import Tracker
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exposure, Fact, Feedback, LLMCall, PromptExperimentPlan
from examsgraph_callbacks.experiments import (
    ExperimentReport,
    PromptExperiment,
    PromptHandout,
    report_experiment,
)
from examsgraph_callbacks.experiments.anytime import anytime_interval
from examsgraph_callbacks.experiments.evidence import gather
from examsgraph_callbacks.experiments.ratios import Difference, Sums
from examsgraph_callbacks.experiments.words import verdict_in_words
from examsgraph_callbacks.journal import Journal
from tests.experiments.classes import BEGAN, DAYS, exposures_of, plan, taught

HALVES = {"v1_strict": 0.5, "v2_friendly": 0.5}
LATER = BEGAN + timedelta(days=DAYS)


def reported(*facts: Fact, now: object = LATER) -> ExperimentReport:
    return report_experiment(facts, "tone", now)  # type: ignore[arg-type]


def class_of(strict: float, friendly: float, learners: int = 500, **how: object) -> Iterable[Fact]:
    return taught(
        dict.fromkeys(HALVES, learners),
        {"v1_strict": strict, "v2_friendly": friendly},
        **how,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(("strict", "friendly", "verdict"), [(0.55, 0.75, "better"), (0.75, 0.55, "worse")])
def test_a_clear_difference_is_found_and_dated(strict: float, friendly: float, verdict: str) -> None:
    (found,) = reported(plan(HALVES), *class_of(strict, friendly)).comparisons
    assert found.verdict == verdict
    assert found.decided_on is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < friendly - strict < found.high


def test_for_follow_up_questions_and_cost_less_is_better() -> None:
    facts = [plan(HALVES, primary_metric="followup_rate"), *class_of(0.6, 0.6)]
    asking = [
        fact.model_copy(update={"feedback_type": "followup_question"})
        if fact.kind == "feedback" and index % (3 if "v1_strict" in fact.event_id else 15) == 0
        else fact
        for index, fact in enumerate(facts)
    ]
    assert reported(*asking).comparisons[0].verdict == "better"


def test_where_there_is_none_the_largest_that_is_left_is_named() -> None:
    (found,) = reported(plan(HALVES), *class_of(0.6, 0.6)).comparisons
    assert found.verdict == "no difference larger than"
    assert found.fraction == 1.0
    assert found.bound is not None
    assert found.bound < 0.15


def test_too_few_learners_are_not_enough_and_it_says_how_many_more() -> None:
    facts = [plan(HALVES, minimum_effect=0.05), *class_of(0.6, 0.62, days=8)]
    (found,) = reported(*facts).comparisons
    assert found.verdict == "not enough data"
    assert found.learners_needed is not None
    assert found.learners_needed > 1_000
    assert found.detectable is not None
    assert found.detectable > 0.05
    (early,) = reported(*facts, now=BEGAN + timedelta(hours=5)).comparisons
    assert (early.verdict, early.learners_needed) == ("not enough data", None)


@pytest.mark.parametrize(("counts", "is_refused"), [((560, 440), True), ((520, 480), False)])
def test_a_sample_ratio_mismatch_withholds_the_verdict(counts: tuple[int, int], is_refused: bool) -> None:
    facts = [plan(HALVES), *exposures_of(dict(zip(HALVES, counts, strict=True)))]
    (found,) = reported(*facts).comparisons
    assert (found.verdict == "invalid") is is_refused
    if is_refused:
        assert found.why is not None
        assert found.why.startswith("440 learners against 560 where 50.0% were planned (p 0.00015)")


def test_weights_are_what_the_ratio_is_held_against() -> None:
    facts = [
        plan({"v1_strict": 0.9, "v2_friendly": 0.1}),
        *exposures_of({"v1_strict": 900, "v2_friendly": 100}),
    ]
    assert reported(*facts).comparisons[0].why is None


def test_one_arm_that_lost_learners_leaves_the_others_comparable() -> None:
    thirds = dict.fromkeys(("v1_strict", "v2_friendly", "v3_encouraging"), 1 / 3)
    taught_class = taught(
        {"v1_strict": 500, "v2_friendly": 510, "v3_encouraging": 350},
        {"v1_strict": 0.5, "v2_friendly": 0.7, "v3_encouraging": 0.9},
    )
    found = {each.variant: each for each in reported(plan(thirds), *taught_class).comparisons}
    assert found["v2_friendly"].verdict == "better"
    assert found["v3_encouraging"].verdict == "invalid"


def test_learners_with_several_variants_are_left_out_and_too_many_of_them_end_it() -> None:
    facts = [plan(HALVES), *exposures_of({"v1_strict": 500, "v2_friendly": 500})]

    def mixed(count: int) -> list[Fact]:
        again: list[Fact] = [
            fact.model_copy(update={"event_id": f"again {fact.event_id}", "prompt_variant": "v1_strict"})
            for fact in facts
            if isinstance(fact, Exposure) and fact.prompt_variant == "v2_friendly"
        ]
        return again[:count]

    few, many = reported(*facts, *mixed(5)), reported(*facts, *mixed(50))
    assert [arm.learners for arm in few.arms] == [500, 495]
    assert few.comparisons[0].verdict == "not enough data"
    assert few.cautions == ("Learners who were given several variants, and are left out: 5.",)
    assert many.comparisons[0].verdict == "invalid"


def test_an_experiment_that_changed_while_it_ran_has_no_verdict() -> None:
    again = plan({"v1_strict": 0.3, "v2_friendly": 0.7}).model_copy(update={"event_id": "again"})
    (found,) = reported(plan(HALVES), again, *class_of(0.5, 0.8)).comparisons
    assert found.verdict == "invalid"
    same = plan(HALVES).model_copy(update={"event_id": "a second process"})
    assert reported(plan(HALVES), same, *class_of(0.5, 0.8)).comparisons[0].verdict == "better"


def test_arms_that_react_at_different_rates_are_told() -> None:
    facts = [plan(HALVES), *class_of(0.6, 0.6)]
    silent = [
        fact
        for index, fact in enumerate(facts)
        if not (fact.kind == "feedback" and "v1_strict" in fact.event_id and index % 2)
    ]
    assert reported(*facts).cautions == ()
    assert "react more or less often" in reported(*silent).cautions[0]


def test_today_is_left_for_tomorrow_so_that_looking_often_looks_no_oftener() -> None:
    facts = [plan(HALVES), *class_of(0.6, 0.6)]
    noon = BEGAN.replace(hour=12) + timedelta(days=9)
    assert reported(*facts, now=noon) == reported(*facts, now=noon.replace(hour=23))
    assert reported(*facts, now=noon).looks == 9


def calls_of(exposures: Iterable[Exposure], unpriced: int = 0) -> list[LLMCall]:
    """One call an exposure: the friendly ones are longer and slower."""
    return [
        LLMCall(
            event_id=f"call {exposure.event_id}",
            run_id=f"call {exposure.event_id}",
            started_at=exposure.started_at,
            user_id=exposure.user_id,
            prompt_variant=exposure.prompt_variant,
            served_model="nobody-knows-1" if number < unpriced else "gpt-4o",
            provider="openai",
            input_tokens=1_000 + number % 50,
            output_tokens=100 if exposure.prompt_variant == "v1_strict" else 400,
            usage_source="reported",
            latency_ms=1_000.0 + number % 50 + (0 if exposure.prompt_variant == "v1_strict" else 900),
        )
        for number, exposure in enumerate(exposures)
    ]


def test_calls_count_as_cost_and_latency_and_one_without_a_price_is_told_and_never_free() -> None:
    exposures = [*exposures_of({"v1_strict": 60, "v2_friendly": 60})]
    found = reported(plan(HALVES), *exposures, *calls_of(exposures, unpriced=1))
    others = {each.metric: each for each in found.comparisons[0].others}
    # 300 output tokens of gpt-4o at 10 USD a million
    assert others["cost_usd"].estimate == pytest.approx(0.003, rel=0.05)
    assert (others["cost_usd"].change, others["latency_ms"].change) == ("worse", "worse")
    assert found.cautions == ("Calls without a price, which are not in the cost: 1.",)
    nothing = reported(plan(HALVES), *exposures)
    assert nothing.arms[0].metrics["cost_usd"] is None
    assert nothing.arms[0].metrics["followup_rate"] is None


def test_a_winner_that_costs_more_is_told_so() -> None:
    facts = [*class_of(0.55, 0.75)]
    exposures = [fact for fact in facts if isinstance(fact, Exposure)]
    report = reported(plan(HALVES), *facts, *calls_of(exposures))
    sentence = verdict_in_words(report, report.comparisons[0])
    assert sentence.startswith("v2_friendly is better than v1_strict: satisfaction +0.")
    assert " But cost +0.00299" in sentence
    assert sentence.endswith("(worse) and latency +900 ms (+899 ms to +901 ms) (worse).")


def test_an_unknown_experiment_is_told_with_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match="found tone"):
        report_experiment([plan(HALVES)], "length", LATER)


def test_anytime_intervals_are_wider_than_those_of_one_look() -> None:
    low, high = anytime_interval(Difference(1.0, 0.1), 1_000, 0.05)
    assert high - 1.0 == pytest.approx(1.0 - low)
    assert 0.28 < high - 1.0 < 0.35  # theorem 2.2 worked out by hand: 3.06 standard errors


def test_a_plan_knows_its_kind() -> None:
    assert isinstance(plan(HALVES), PromptExperimentPlan)


def test_the_sums_day_by_day_are_those_of_the_learners_reactions() -> None:
    facts = [plan(HALVES), *class_of(0.55, 0.7, learners=120)]
    variant_of = {fact.user_id: fact.prompt_variant for fact in facts if isinstance(fact, Exposure)}
    evidence = gather(facts, "tone", LATER)
    for day, date in enumerate(evidence.days):
        ups: dict[str, list[int]] = {}
        for fact in facts:
            if isinstance(fact, Feedback) and fact.started_at.date() <= date:
                user_id = str(fact.session_id).removeprefix("session of ")
                ups.setdefault(user_id, []).append(fact.feedback_type == "thumbs_up")
        for variant, arm in evidence.arms.items():
            of_arm = [each for user_id, each in ups.items() if variant_of[user_id] == variant]
            sums = arm.days["satisfaction"][day]
            assert sums is not None
            assert sums == Sums(
                learners=len(of_arm),
                y=sum(map(sum, of_arm)),
                m=sum(map(len, of_arm)),
                yy=sum(sum(each) ** 2 for each in of_arm),
                ym=sum(sum(each) * len(each) for each in of_arm),
                mm=sum(len(each) ** 2 for each in of_arm),
            )


def test_of_two_experiments_around_one_turn_each_has_its_outcomes(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    tone = PromptHandout(PromptExperiment("tone", dict.fromkeys(HALVES, "…")), journal)
    length = PromptHandout(PromptExperiment("length", {"short": "…", "long": "…"}), journal)
    for number in range(40):
        about = {"session_id": f"session_{number}", "question_id": "q_001"}
        with tone.tutoring(user_id=f"user_{number}", **about) as outer, length.tutoring() as inner:
            outer.use()
            inner.use()
            Tracker(journal).log_user_feedback(feedback_type="thumbs_up")
    for name in ("tone", "length"):
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        report = report_experiment(journal.read(), name, tomorrow)
        assert [arm.metrics["satisfaction"] for arm in report.arms] == [1.0, 1.0]
        assert sum(arm.exposures for arm in report.arms) == 40
        assert all(arm.response_rate and arm.response_rate.value == 1.0 for arm in report.arms)
