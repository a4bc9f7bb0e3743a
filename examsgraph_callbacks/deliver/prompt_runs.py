"""Writes comparisons to MLflow: a run of `Prompt_Experimentation` each, and under it a run a variant."""

import json
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.answers import refuses
from examsgraph_callbacks.deliver.arrived_turns import ArrivedTurn, ArrivedTurns
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.prompt_registry import PromptRegistry, RegisteredPrompt
from examsgraph_callbacks.deliver.prompt_scores import write_scores
from examsgraph_callbacks.deliver.runs import RunContent, RunWriter, is_deleted, is_half_written, reaching
from examsgraph_callbacks.events import Fact, PromptComparison, PromptExperimentPlan, PromptScore
from examsgraph_callbacks.failures import failures

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["PROMPT_EXPERIMENT", "PromptRunWriter", "comparison_run", "variant_run"]

PROMPT_EXPERIMENT = "Prompt_Experimentation"
"""The MLflow experiment of prompt comparisons."""

_PARENT = "mlflow.parentRunId"
_LINKED_PROMPTS = "mlflow.linkedPrompts"


class PromptRunWriter:
    """Writes comparisons into the experiment `Prompt_Experimentation`, and their prompts into the registry.

    Tokens and cost are those of the turns that a comparison names, as soon as these have arrived. Raises
    `DeliveryError` where MLflow cannot be reached.
    """

    def __init__(self, destination: Destination, dead_letters: DeadLetters) -> None:
        self.runs = RunWriter(destination, PROMPT_EXPERIMENT, dead_letters)
        self._destination = destination
        self._registry = PromptRegistry(destination)
        self._turns = ArrivedTurns(destination)

    def write(self, facts: Iterable[Fact]) -> Sequence[Fact]:
        """Write what is new of the comparisons and scores among `facts`.

        Returns the comparisons with turns still to arrive, and the scores of comparisons that are not there.
        """
        given = [*facts]
        waiting = self._write_comparisons(given)
        self._register_plans(fact for fact in given if isinstance(fact, PromptExperimentPlan))
        scores = self.runs.in_time(fact for fact in given if isinstance(fact, PromptScore))
        if not scores:
            return waiting
        with reaching(self._destination):
            return [*waiting, *write_scores(self._destination, self.runs, scores)]

    def _register_plans(self, plans: Iterable[PromptExperimentPlan]) -> None:
        """Put the prompts that are handed out to learners into the registry, under the experiment's name."""
        for plan in plans:
            with reaching(self._destination):
                for variant, text in plan.prompt_variants.items():
                    prompt = self._registered(variant, text, plan.experiment)
                    self.runs.progress += prompt is not None

    def _write_comparisons(self, facts: Iterable[Fact]) -> Sequence[Fact]:
        comparisons = self.runs.in_time(fact for fact in facts if isinstance(fact, PromptComparison))
        if not comparisons:
            return ()
        with reaching(self._destination):
            known = self.runs.known(each.started_at for each in comparisons)
            unlinked = {each.event_id: _unlinked(each, known) for each in comparisons}
            turns = self._turns.by_id(name for names in unlinked.values() for name in names)
            news = [
                each
                for each in comparisons
                if _is_half_written(each, known) or not turns.keys().isdisjoint(unlinked[each.event_id])
            ]
            written = self.runs.write_each(
                news,
                partial(self._write, known=known, turns=turns),
                lambda each: [each],
            )
        return [
            each
            for each in comparisons
            if (each in written or each not in news) and not unlinked[each.event_id] <= turns.keys()
        ]

    def _write(
        self,
        comparison: PromptComparison,
        known: MutableMapping[str, "Run"],
        turns: Mapping[str, ArrivedTurn],
    ) -> "Run":
        def write_variants(parent: "Run") -> None:
            for variant in _variants(comparison):
                run = known.get(_key(comparison, variant))
                turn = turns.get(comparison.trace_ids.get(variant, ""))
                if run is not None and not is_half_written(run) and turn is None:
                    continue
                prompt = self._registered(variant, comparison.prompt_variants.get(variant))
                self.runs.put(variant_run(comparison, variant, parent.info.run_id, prompt, turn), known)

        return self.runs.put(comparison_run(comparison), known, write_variants)

    def _registered(
        self, variant: str, text: str | None, experiment: str | None = None
    ) -> RegisteredPrompt | None:
        """The prompt in the registry; None where MLflow refuses it, which costs the run no more than that."""
        from mlflow.exceptions import MlflowException

        if not text:
            return None
        try:
            prompt = self._registry.register(variant, text, self.runs.experiment_id)
            if experiment is not None:
                self._registry.call(prompt, experiment)
        except MlflowException as error:
            if not refuses(error):
                raise
            failures.report("registering a prompt in MLflow", error)
            return None
        return prompt


def comparison_run(comparison: PromptComparison) -> RunContent:
    """The run under which the variants' runs stand."""
    return RunContent(
        fact=comparison,
        key=comparison.event_id,
        name=comparison.question_id or "comparison",
        started_at=comparison.started_at,
        ended_at=comparison.started_at,
        tags={
            "question_id": comparison.question_id,
            "user_id": comparison.user_id,
            "session_id": comparison.session_id,
            "task_type": comparison.task_type,
        },
        params={
            "question_id": comparison.question_id,
            "user_answer": comparison.user_answer,
            "correct_answer": comparison.correct_answer,
        },
    )


def variant_run(
    comparison: PromptComparison,
    variant: str,
    parent_run_id: str,
    prompt: RegisteredPrompt | None = None,
    turn: ArrivedTurn | None = None,
) -> RunContent:
    """One variant's run.

    `response_length` is in characters; `total_tokens` and `estimated_cost_usd` are those of the turn
    that gave the answer. What is not known is left out.
    """
    text = comparison.prompt_variants.get(variant)
    response = comparison.generated_responses.get(variant)
    return RunContent(
        fact=comparison,
        key=_key(comparison, variant),
        name=variant,
        started_at=comparison.started_at,
        ended_at=comparison.started_at,
        tags={
            _PARENT: parent_run_id,
            "variant": variant,
            "question_id": comparison.question_id,
            "trace_id": None if turn is None else turn.trace_id,
            _LINKED_PROMPTS: None if prompt is None else _link(prompt),
        },
        params={"variant": variant, "question_id": comparison.question_id},
        metrics={
            "response_length": None if response is None else len(response),
            "manual_score": comparison.manual_scores.get(variant),
            "total_tokens": None if turn is None else turn.total_tokens,
            "estimated_cost_usd": None if turn is None else turn.cost_usd,
        },
        texts={"prompt.txt": text, "response.txt": response},
    )


def _link(prompt: RegisteredPrompt) -> str:
    """As MLflow itself writes down which prompts belong to a run."""
    return json.dumps([{"name": prompt.name, "version": str(prompt.version)}])


def _variants(comparison: PromptComparison) -> list[str]:
    """The names of all variants, in the order in which the comparison has them."""
    return list(dict.fromkeys([*comparison.prompt_variants, *comparison.generated_responses]))


def _key(comparison: PromptComparison, variant: str) -> str:
    return f"{comparison.event_id}/{variant}"


def _is_half_written(comparison: PromptComparison, known: Mapping[str, "Run"]) -> bool:
    run = known.get(comparison.event_id)
    return run is None or (is_half_written(run) and not is_deleted(run))


def _is_linked(run: "Run") -> bool:
    return is_deleted(run) or ("trace_id" in run.data.tags and not is_half_written(run))


def _unlinked(comparison: PromptComparison, known: Mapping[str, "Run"]) -> set[str]:
    """The turns of which the runs of the variants have yet to tell."""
    run = known.get(comparison.event_id)
    if run is not None and is_deleted(run):
        return set()
    unlinked: set[str] = set()
    for variant in _variants(comparison):
        variant_run = known.get(_key(comparison, variant))
        if variant_run is None or not _is_linked(variant_run):
            unlinked.update(filter(None, [comparison.trace_ids.get(variant)]))
    return unlinked
