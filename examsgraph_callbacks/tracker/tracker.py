"""The tracker: writes what the application reports to a journal, at once, under the document's names."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from examsgraph_callbacks.capture import Clock, Privacy
from examsgraph_callbacks.capture.context import ambient_context
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Hop, ResourceKind
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.tracker.problems import first_problem
from examsgraph_callbacks.tracker.recording import AnyReport, fact_of
from examsgraph_callbacks.tracker.reports import (
    ConceptResourceReport,
    CostReport,
    ExplorationReport,
    FeedbackReport,
    PromptReport,
)

__all__ = ["Tracker"]

ReportT = TypeVar("ReportT", bound=BaseModel)


class Tracker:
    """Writes what the application reports to a journal, at once.

    `journal` is a `Journal`, its path, or None for the configured place, which is looked up with the first
    report; `clock` hands out times and ids. What a call is not told of user, session, question, task,
    concept and prompt variant comes from the surrounding `tutoring()` block.

    Each call returns the `event_id` of its fact. It raises `InvalidInputError`, naming the field, what
    came and what is allowed, and records nothing, where a value cannot be recorded; also where the
    journal's place is a file.
    """

    def __init__(self, journal: Journal | str | Path | None = None, clock: Clock | None = None) -> None:
        self._given = journal
        self._clock = clock or Clock()
        if journal is not None:
            _ = self.journal, self._privacy  # what is wrong with them is told now

    @cached_property
    def journal(self) -> Journal:
        """Where the facts go."""
        return self._given if isinstance(self._given, Journal) else Journal(self._given)

    @cached_property
    def _privacy(self) -> Privacy:
        return Privacy.configured()

    def trace_graph_exploration(
        self,
        *,
        wrong_concept: str | None = None,
        graph_path: Sequence[Mapping[str, object] | Hop],
        retrieval_params: Mapping[str, object] | None = None,
        final_explanation: str | None = None,
        question_id: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        task_type: str | None = None,
        prompt_variant: str | None = None,
        query: str | None = None,
        similarity_scale: str | None = None,
        latency_ms: float | None = None,
        trace_id: str | UUID | None = None,
    ) -> str:
        """Record the path that was walked through the knowledge graph, and the explanation made of it.

        A hop of `graph_path` has `node`, `relation`, `next_node`, and as far as they are known
        `similarity_score`, `edge_similarity` and `direction` (`out` or `in`). `retrieval_params` says how
        the walk was bounded: `depth`, `similarity_threshold` (or `threshold`), `max_hops`, and what else
        `RetrievalParams` has. Scores are on `similarity_scale`: `(1+cos)/2` unless `cos` is said.
        `latency_ms` is how long the walk took.
        """
        path: object = graph_path
        if isinstance(graph_path, Sequence) and not isinstance(graph_path, (str, bytes)):
            path = [_hop(hop) if isinstance(hop, Hop) else hop for hop in graph_path]
        given = {
            "wrong_concept": wrong_concept,
            "graph_path": path,
            "retrieval_params": retrieval_params,
            "final_explanation": final_explanation,
            "question_id": question_id,
            "user_id": user_id,
            "session_id": session_id,
            "task_type": task_type,
            "prompt_variant": prompt_variant,
            "query": query,
            "similarity_scale": similarity_scale,
            "latency_ms": latency_ms,
            "trace_id": trace_id,
        }
        return self.record(_report(ExplorationReport, given))

    def compare_prompts(
        self,
        *,
        prompt_variants: Mapping[str, str],
        generated_responses: Mapping[str, str],
        question_id: str | None = None,
        user_answer: str | None = None,
        correct_answer: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        task_type: str | None = None,
        manual_scores: Mapping[str, float] | None = None,
        trace_ids: Mapping[str, str | UUID] | None = None,
    ) -> str:
        """Record the answers to one question under several prompts, all by the names of the variants.

        `manual_scores` is what a person thought of the answers, `trace_ids` the turns that gave them.
        """
        given = {
            "prompt_variants": prompt_variants,
            "generated_responses": generated_responses,
            "question_id": question_id,
            "user_answer": user_answer,
            "correct_answer": correct_answer,
            "user_id": user_id,
            "session_id": session_id,
            "task_type": task_type,
            "manual_scores": manual_scores,
            "trace_ids": trace_ids,
        }
        return self.record(_report(PromptReport, given))

    def log_user_feedback(
        self,
        *,
        session_id: str | None = None,
        user_id: str | None = None,
        question_id: str | None = None,
        ai_explanation: str | None = None,
        feedback_type: str | None = None,
        user_feedback: str | None = None,
        followup_text: str | None = None,
        understanding_score: int | None = None,
        concept: str | None = None,
        trace_id: str | UUID | None = None,
    ) -> str:
        """Record what a learner said of one explanation.

        `feedback_type`, or `user_feedback` (the same under its other name), is `thumbs_up`,
        `thumbs_down` or `followup_question`; `understanding_score` runs from 1 (not at all) to 5
        (completely). `trace_id` is the turn that explained: LangChain's root run id, as UUID or hex.
        """
        given = {
            "session_id": session_id,
            "user_id": user_id,
            "question_id": question_id,
            "ai_explanation": ai_explanation,
            "feedback_type": feedback_type,
            "user_feedback": user_feedback,
            "followup_text": followup_text,
            "understanding_score": understanding_score,
            "concept": concept,
            "trace_id": trace_id,
        }
        return self.record(_report(FeedbackReport, given))

    def log_llm_cost(
        self,
        *,
        model_name: str,
        input_tokens: int,
        output_tokens: int,
        latency_ms: float,
        task_type: str | None = None,
        estimated_cost: float | Decimal | None = None,
        response_quality: str | None = None,
        provider: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        question_id: str | None = None,
        trace_id: str | UUID | None = None,
    ) -> str:
        """Record one LLM call that no handler saw.

        `model_name` is the model that answered. `estimated_cost` (USD) is used as it is stated, and the
        report says where it is more than 5% off the list price; without it the list price holds.
        `response_quality` is what you think of the answer, in a word. Not for calls that a handler
        records: they would count twice.
        """
        given = {
            "model_name": model_name,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "latency_ms": latency_ms,
            "task_type": task_type,
            "estimated_cost": estimated_cost,
            "response_quality": response_quality,
            "provider": provider,
            "user_id": user_id,
            "session_id": session_id,
            "question_id": question_id,
            "trace_id": trace_id,
        }
        return self.record(_report(CostReport, given))

    def log_concept_resource(
        self, *, concept: str, kind: ResourceKind, url: str, title: str | None = None
    ) -> str:
        """Record that `concept` has a resource from now on.

        `examsgraph concept add-resource` calls this; so may whoever adds resources by other means. The
        report compares how well the concept was understood before and after.
        """
        given = {"concept": concept, "kind": kind, "url": url, "title": title}
        return self.record(_report(ConceptResourceReport, given))

    def record(self, report: AnyReport, *, insist: bool = False) -> str:
        """Record what was validated already; returns the fact's `event_id`.

        With `insist` it raises `JournalUnavailableError` where the disk does not take the fact now;
        otherwise the fact is then held in memory, as all others are (see `Journal.write`).
        """
        kind, fields = fact_of(report, self._clock)
        recorded = self._privacy.recorded_fields(kind, fields)
        if insist:
            self.journal.insist_on_fields(recorded)
        else:
            self.journal.write_fields(recorded)
        return str(fields["event_id"])


def _report(kind: type[ReportT], given: Mapping[str, object]) -> ReportT:
    """What was given, and of what was not what the surrounding block says, as a report."""
    known = kind.model_fields
    ambient = {name: value for name, value in ambient_context().items() if name in known}
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return kind.model_validate({**ambient, **said})
    except ValidationError as error:
        raise InvalidInputError(str(first_problem(error, kind))) from None


def _hop(hop: Hop) -> dict[str, object]:
    return hop.model_dump(
        include={"node", "relation", "next_node", "similarity_score", "edge_similarity", "direction"}
    )
