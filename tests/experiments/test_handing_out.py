"""Every learner keeps one variant, the shares come out, and what was used is on record."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from scipy import stats

from examsgraph_callbacks import Tracker, tutoring
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exposure, Feedback, PromptExperimentPlan
from examsgraph_callbacks.experiments import (
    Assignment,
    Holdout,
    Namespace,
    PromptExperiment,
    PromptHandout,
    RampStep,
    load_experiments,
)
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal

PROMPTS = {
    "v1_strict": "당신은 엄격한 교수입니다. 학생이 틀렸을 때 명확히 지적하세요.",
    "v2_friendly": "당신은 친절한 코치입니다. 학생의 노력을 인정하면서 부드럽게 설명하세요.",
    "v3_encouraging": "당신은 격려형 멘토입니다. 실수를 긍정적으로 받아들이게 하세요.",
}
LEARNERS = [f"user_{number:07}" for number in range(20_000)]
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def experiment(**settings: object) -> PromptExperiment:
    return PromptExperiment(**{"name": "tone", "variants": PROMPTS, **settings})  # type: ignore[arg-type]


def test_a_million_learners_fall_evenly() -> None:
    tone = experiment(weights={"v1_strict": 0.5, "v2_friendly": 0.3, "v3_encouraging": 0.2})
    counts = Counter(tone.assign(f"user_{number}").variant for number in range(1_000_000))

    expected = [500_000, 300_000, 200_000]
    # the places come in steps of 1/10,000 and FNV-1a is no random number generator: 0.5% of an arm is even
    assert [counts[name] for name in PROMPTS] == pytest.approx(expected, rel=0.005)
    assert stats.chisquare([counts[name] for name in PROMPTS], expected).pvalue > 0.001


def test_another_process_hands_out_the_same() -> None:
    here = [experiment().assign(user_id).variant for user_id in LEARNERS[:500]]
    code = (
        "import json, sys; from examsgraph_callbacks.experiments import PromptExperiment;"
        "name, prompts, users = json.load(sys.stdin); tone = PromptExperiment(name, prompts);"
        "print(json.dumps([tone.assign(user).variant for user in users]))"
    )
    sent = json.dumps(["tone", PROMPTS, LEARNERS[:500]])
    for hash_seed in ("1", "2"):
        process = subprocess.run(
            [sys.executable, "-c", code],
            input=sent,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
        )
        assert json.loads(process.stdout) == here


def test_these_learners_keep_these_variants_for_ever() -> None:
    given = {user_id: experiment().assign(user_id).variant for user_id in ("user_001", "user_002", "김민준")}
    assert given == GOLDEN


# what growthbook 4.0.0 itself gives for the key "tone", hashVersion 2
GOLDEN = {"user_001": "v3_encouraging", "user_002": "v1_strict", "김민준": "v2_friendly"}


def test_a_copy_with_other_weights_goes_by_its_own() -> None:
    halves = experiment(variants={"v1": "a", "v2": "b"})
    before = Counter(halves.assign(user).variant for user in LEARNERS)
    after = Counter(replace(halves, weights={"v1": 0.9, "v2": 0.1}).assign(user).variant for user in LEARNERS)
    assert before["v1"] == pytest.approx(10_000, rel=0.05)
    assert after["v1"] == pytest.approx(18_000, rel=0.05)


def test_two_experiments_are_independent() -> None:
    tone, length = experiment(), experiment(name="length", variants={"short": "a", "long": "b"})
    table = Counter((tone.assign(user).variant, length.assign(user).variant) for user in LEARNERS)
    rows = [[table[one, other] for other in ("short", "long")] for one in PROMPTS]
    assert stats.chi2_contingency(rows).pvalue > 0.001


def test_whoever_is_in_stays_in_with_the_same_variant_while_it_ramps_up() -> None:
    steps = (RampStep(BEGAN, 0.1), RampStep(BEGAN + timedelta(days=2), 0.5))
    tone = experiment(ramp_up=steps)
    before, first, second = (
        {user: tone.assign(user, BEGAN + timedelta(days=days)) for user in LEARNERS} for days in (-1, 1, 3)
    )

    def inside(given: dict[str, Assignment]) -> set[str]:
        return {user for user in given if given[user].in_experiment}

    assert not inside(before)
    assert len(inside(first)) == pytest.approx(2_000, rel=0.1)
    assert len(inside(second)) == pytest.approx(10_000, rel=0.05)
    assert all(second[user] == first[user] for user in inside(first))
    with pytest.raises(InvalidInputError, match="only grows"):
        experiment(ramp_up=steps[::-1])


def test_parts_of_a_namespace_share_no_learner_and_a_holdout_is_left_alone() -> None:
    held = Holdout("2026", 0.05)
    one = experiment(namespace=Namespace("tutor", 0, 0.5), holdout=held)
    other = experiment(name="length", namespace=Namespace("tutor", 0.5, 1), holdout=held)
    in_one = {user for user in LEARNERS if one.assign(user).in_experiment}
    in_other = {user for user in LEARNERS if other.assign(user).in_experiment}
    kept_out = {user for user in LEARNERS if one.assign(user).reason == "holdout"}

    assert not in_one & in_other
    assert len(kept_out) == pytest.approx(1_000, rel=0.1)
    assert in_one | in_other | kept_out == set(LEARNERS)
    assert {one.assign(user).variant for user in kept_out} == {"v1_strict"}


def test_a_turn_carries_its_variant_and_an_exposure_is_written_when_the_prompt_is_used(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path)
    handout = PromptHandout(experiment(), journal)
    with handout.tutoring(user_id="user_001", session_id="s_1", question_id="q_001") as given:
        assert [*journal.read()] == []
        text = given.use()
        assert given.use() == text == PROMPTS[given.variant]
        Tracker(journal).log_user_feedback(feedback_type="thumbs_up", understanding_score=5)

    plan, exposure, feedback = journal.read()
    assert isinstance(plan, PromptExperimentPlan)
    assert plan.prompt_variants == PROMPTS
    assert plan.weights == pytest.approx(dict.fromkeys(PROMPTS, 1 / 3))
    assert isinstance(exposure, Exposure)
    assert (exposure.experiment, exposure.prompt_variant) == ("tone", given.variant)
    assert (exposure.user_id, exposure.session_id, exposure.question_id) == ("user_001", "s_1", "q_001")
    assert isinstance(feedback, Feedback)
    assert feedback.prompt_variant == given.variant


def test_outside_the_experiment_the_control_is_given_and_nothing_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with tutoring(user_id="user_001"), PromptHandout(experiment(coverage=0), journal).tutoring() as given:
        assert given.use() == PROMPTS["v1_strict"]
    assert [*journal.read()] == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"primary_metric": "joy"}, "one of satisfaction, understanding"),
        ({"minimum_effect": 0}, "minimum_effect above 0"),
        ({"significance": 0.5}, "significance from 0.001 to 0.2"),
        ({"power": 1}, "power from 0.5 to 0.99"),
        ({"planned_looks": 0}, "planned_looks from 1 to 366"),
        ({"variants": {"v1": "a"}}, "2 to 20 variants"),
        ({"variants": {"v1": "a", " ": "b"}}, "a name for a variant"),
        ({"name": ""}, "a name for the experiment"),
        ({"weights": {"v1_strict": 1.0}}, "a weight for each"),
        ({"ramp_up": (RampStep(BEGAN.replace(tzinfo=None), 1.0),)}, "with their zone"),
    ],
)
def test_what_cannot_be_an_experiment_is_told(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        experiment(**wrong)


@pytest.mark.parametrize(
    ("part", "told"),
    [(lambda: Namespace("n", 0.5, 0.5), "begin < end"), (lambda: Holdout("h", 1.0), "below 1")],
)
def test_what_cannot_be_a_part_of_all_learners_is_told(part: Callable[[], object], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        part()


def test_nobody_to_give_it_to_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="expected a user_id"), PromptHandout(experiment()).tutoring():
        pass


def test_a_failure_of_ours_does_not_reach_the_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise OSError("no")

    handout = PromptHandout(experiment(), tmp_path)
    monkeypatch.setattr(Journal, "write_fields", broken)
    before = failures.counts().get("recording an exposure", 0)
    with handout.tutoring(user_id="user_001") as given:
        assert given.use() == PROMPTS[given.variant]
    assert failures.counts()["recording an exposure"] == before + 1


def test_a_file_says_what_code_says(tmp_path: Path) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text(
        """
        [experiments.tone]
        primary_metric = "understanding"
        minimum_effect = 0.3
        weights = {v1_strict = 0.5, v2_friendly = 0.5}
        namespace = {name = "tutor", begin = 0, end = 0.5}
        holdout = {name = "2026", share = 0.05}
        ramp_up = [{since = 2026-03-01, coverage = 0.1}, {since = 2026-03-03T00:00:00Z, coverage = 1.0}]
        [experiments.tone.variants]
        v1_strict = "엄격한 교수"
        v2_friendly = "친절한 코치"
        """,
        encoding="utf-8",
    )
    loaded = load_experiments(file)["tone"]
    assert loaded == PromptExperiment(
        "tone",
        {"v1_strict": "엄격한 교수", "v2_friendly": "친절한 코치"},
        {"v1_strict": 0.5, "v2_friendly": 0.5},
        "understanding",
        0.3,
        namespace=Namespace("tutor", 0, 0.5),
        holdout=Holdout("2026", 0.05),
        ramp_up=(RampStep(BEGAN, 0.1), RampStep(BEGAN + timedelta(days=2), 1.0)),
    )

    file.write_text('[experiments.tone]\nvariants = {a = "A", b = "B"}\nmetric = "x"\n', encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"experiments\.tone\.metric in .*toml"):
        load_experiments(file)
