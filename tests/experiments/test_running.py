"""What a dashboard tells of the experiments: who was given what so far, and whether they still run."""

from datetime import timedelta
from pathlib import Path

from examsgraph_callbacks.events import Exposure
from examsgraph_callbacks.experiments import ExperimentsSoFar
from examsgraph_callbacks.experiments.running import RUNS_FOR
from examsgraph_callbacks.journal import Journal
from tests.experiments.classes import BEGAN, DAYS, plan


def exposed(user: str, variant: str, days: float, number: int, experiment: str = "tone") -> Exposure:
    return Exposure(
        event_id=f"{experiment} {user} {number}",
        started_at=BEGAN + timedelta(days=days),
        experiment=experiment,
        user_id=user,
        prompt_variant=variant,
    )


def test_learners_and_exposures_are_counted_by_variant_the_control_first(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(plan({"strict": 0.5, "friendly": 0.5}))
    so_far = ExperimentsSoFar(journal)
    (before,) = so_far.look(BEGAN)
    assert (before.day, before.began, before.running) == (0, None, True)
    for number, user in enumerate(["u1", "u1", "u2"]):
        journal.write(exposed(user, "strict", number, number))
    journal.write(exposed("u3", "friendly", 2, 9))
    (found,) = so_far.look(BEGAN + timedelta(days=2))
    assert [(each.variant, each.learners, each.exposures) for each in found.variants] == [
        ("strict", 2, 3),
        ("friendly", 1, 1),
    ]
    assert (found.day, found.planned_days, found.metric) == (3, DAYS, "satisfaction")
    assert found.began == BEGAN
    # what was read before is not counted again
    assert so_far.look(BEGAN + timedelta(days=2)) == (found,)


def test_an_experiment_that_hands_nothing_out_any_more_is_over_and_stands_behind(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for name in ("older", "newer"):
        journal.write(plan({"a": 1.0}, experiment=name, event_id=name))
    journal.write(exposed("u1", "a", 0, 1, "older"))
    journal.write(exposed("u1", "a", 5, 1, "newer"))
    now = BEGAN + timedelta(days=5)
    running = {each.experiment: each.running for each in ExperimentsSoFar(journal).look(now)}
    assert running == {"older": True, "newer": True}
    later = ExperimentsSoFar(journal).look(BEGAN + RUNS_FOR + timedelta(days=1))
    assert [(each.experiment, each.running) for each in later] == [("newer", True), ("older", False)]


def test_the_first_plan_holds_and_without_a_plan_there_is_no_experiment(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(exposed("u1", "a", 0, 1, "unplanned"))
    assert ExperimentsSoFar(journal).look(BEGAN) == ()
    journal.write(plan({"a": 1.0}))
    journal.write(plan({"a": 0.5, "b": 0.5}, event_id="later", started_at=BEGAN + timedelta(days=1)))
    (found,) = ExperimentsSoFar(journal).look(BEGAN)
    assert [each.variant for each in found.variants] == ["a"]
