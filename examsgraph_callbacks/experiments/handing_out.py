"""Hands prompts out to learners, and writes down who was given which: arithmetic, and one write a use."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from examsgraph_callbacks.capture import Clock, Privacy, surrounding_run, tutoring
from examsgraph_callbacks.capture.clock import utc
from examsgraph_callbacks.capture.context import ambient_context
from examsgraph_callbacks.capture.open_runs import find_open_run
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import SCHEMA_VERSION, Exposure, PromptExperimentPlan
from examsgraph_callbacks.experiments.experiment import Assignment, PromptExperiment
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal

__all__ = ["HandedOut", "PromptHandout"]


class PromptHandout:
    """Hands out the prompts of one experiment. `journal` is None for the configured place.

    The first use writes the experiment's plan too, so that the report knows what was settled beforehand.
    """

    def __init__(
        self,
        experiment: PromptExperiment,
        journal: Journal | str | Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.experiment = experiment
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self._clock = clock or Clock()
        self._privacy = Privacy.configured()
        self._planned = False
        self._current: ContextVar[HandedOut | None] = ContextVar("handed_out", default=None)

    @contextmanager
    def tutoring(
        self,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        question_id: str | None = None,
        task_type: str | None = None,
        wrong_concept: str | None = None,
    ) -> Iterator["HandedOut"]:
        """A turn of a learner: all that is recorded inside carries the variant.

        Works as `examsgraph_callbacks.tutoring`, and may stand within such a block, which then may have
        said the `user_id`. Raises `InvalidInputError` where nobody said it.
        """
        given = user_id or ambient_context().get("user_id")
        if given is None:
            raise InvalidInputError(
                f"expected a user_id to hand a prompt of {self.experiment.name!r} out to, got none: pass it, "
                "or say it in the tutoring() block around this",
            )
        handed_out = self.give(given)
        with tutoring(
            user_id=given,
            session_id=session_id,
            question_id=question_id,
            task_type=task_type,
            wrong_concept=wrong_concept,
            prompt_variant=handed_out.variant,
        ):
            token = self._current.set(handed_out)
            try:
                yield handed_out
            finally:
                self._current.reset(token)

    def give(self, user_id: str) -> "HandedOut":
        """The learner's prompt, which is on record once it is used."""
        now = datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC) if self.experiment.ramp_up else None
        return HandedOut(self, user_id, self.experiment.assign(user_id, now))

    def current(self) -> "HandedOut | None":
        """What the surrounding `tutoring` block gives, else the learner's whom an outer block names."""
        handed_out = self._current.get()
        if handed_out is not None:
            return handed_out
        user_id = ambient_context().get("user_id")
        return None if user_id is None else self.give(user_id)

    def expose(self, user_id: str, variant: str) -> str | None:
        """Write down that the learner was given the variant; returns the fact's `event_id`.

        What fails in here is counted and logged, and None is returned: the learner's turn goes on.
        """
        try:
            fields = self._exposure(user_id, variant, ambient_context())
            run_id = surrounding_run()
            run = None if run_id is None else find_open_run(run_id)
            if run is not None:
                fields["trace_id"] = run.trace_id
            self.journal.write_fields(self._privacy.recorded_fields(Exposure, fields))
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
            failures.report("recording an exposure", error)
            return None
        return str(fields["event_id"])

    def insist_on_exposure(self, user_id: str, variant: str, about: Mapping[str, str]) -> str:
        """The same for who tells somebody else that it is written; raises `JournalUnavailableError`."""
        fields = self._exposure(user_id, variant, about)
        self.journal.insist_on_fields(self._privacy.recorded_fields(Exposure, fields))
        return str(fields["event_id"])

    def _exposure(self, user_id: str, variant: str, about: Mapping[str, str]) -> dict[str, object]:
        if not self._planned:
            self._planned = True
            self._write_plan()
        return {
            **about,
            "kind": "exposure",
            "schema_version": SCHEMA_VERSION,
            "event_id": self._clock.new_id(),
            "started_at": utc(self._clock.wall_ns()),
            "experiment": self.experiment.name,
            "user_id": user_id,
            "prompt_variant": variant,
        }

    def _write_plan(self) -> None:
        experiment = self.experiment
        plan = PromptExperimentPlan(
            event_id=self._clock.new_id(),
            started_at=datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC),
            experiment=experiment.name,
            prompt_variants=dict(experiment.variants),
            weights=experiment.shares,
            primary_metric=experiment.primary_metric,
            minimum_effect=experiment.effect,
            significance=experiment.significance,
            power=experiment.power,
            planned_looks=experiment.planned_looks,
        )
        self.journal.write(self._privacy.recorded(plan))


class HandedOut:
    """A learner's prompt in one turn."""

    def __init__(self, handout: PromptHandout, user_id: str, assignment: Assignment) -> None:
        self._handout = handout
        self._used = False
        self.user_id = user_id
        self.assignment = assignment

    @property
    def variant(self) -> str:
        """The name of the variant."""
        return self.assignment.variant

    @property
    def text(self) -> str:
        """The prompt's text, to look at: what is used is taken by `use`."""
        return self._handout.experiment.variants[self.variant]

    def use(self) -> str:
        """The prompt's text. The first use is on record, where the learner is in the experiment."""
        if not self._used and self.assignment.in_experiment:
            self._used = True
            self._handout.expose(self.user_id, self.variant)
        return self._handout.experiment.variants[self.variant]
