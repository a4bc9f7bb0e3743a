"""What can be reported, by the names of the product's document: one class a call."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from examsgraph_callbacks.events import (
    Direction,
    FeedbackType,
    FollowedDirection,
    ResourceKind,
    SimilarityScale,
)
from examsgraph_callbacks.tracker.fields import (
    HOPS_LIMIT,
    LABEL,
    MILLISECONDS,
    SCORE,
    TEXT,
    TOKENS,
    TRACE,
    USD,
    VARIANTS_LIMIT,
    Cost,
    Count,
    Label,
    Milliseconds,
    Score,
    Text,
    Tokens,
    TraceId,
)
from examsgraph_callbacks.tracker.problems import conflict

__all__ = [
    "ConceptResourceReport",
    "CostReport",
    "ExplorationReport",
    "FeedbackReport",
    "HopReport",
    "ParamsReport",
    "PromptReport",
    "Report",
]

_BY_VARIANT = f"an object of 1 to {VARIANTS_LIMIT} texts by the names of the variants"
_FEEDBACK_TYPES = "one of thumbs_up, thumbs_down, followup_question"
_ONE_NAME = "one value for feedback_type and user_feedback, which are two names of one field: pass only one"
_ONE_THRESHOLD = (
    "one value for similarity_threshold and threshold, which are two names of one field: pass only one"
)


class _Part(BaseModel):
    """A part of a report; a name that it does not know is refused, since it may be a known one misspelt."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Report(_Part):
    """What one call reports, and whom and what it is about; `trace_id` is the turn that it belongs to."""

    user_id: Label | None = Field(None, description=LABEL)
    session_id: Label | None = Field(None, description=LABEL)
    question_id: Label | None = Field(None, description=LABEL)
    trace_id: TraceId | None = Field(None, description=TRACE)


class HopReport(_Part):
    """One hop of a path."""

    node: Label = Field(description=LABEL)
    relation: Label = Field(description=LABEL)
    next_node: Label = Field(description=LABEL)
    similarity_score: Score | None = Field(None, description=SCORE)
    edge_similarity: Score | None = Field(None, description=SCORE)
    direction: Direction = Field("out", description="one of out, in")


class ParamsReport(_Part):
    """How the exploration was bounded; `threshold` is `similarity_threshold` under its other name."""

    depth: Count | None = Field(None, description="a whole number of levels")
    similarity_threshold: Score | None = Field(None, description=SCORE)
    threshold: Score | None = Field(None, description=SCORE)
    max_hops: Count | None = Field(None, description="a whole number of hops")
    beam_width: Count | None = Field(None, description="a whole number of hops on a level")
    fan_out: Count | None = Field(None, description="a whole number of hops of one concept")
    seeds: Count | None = Field(None, description="a whole number of beginnings")
    max_degree: Count | None = Field(None, description="a whole number of relations")
    relationship_types: Annotated[list[Label], Field(max_length=HOPS_LIMIT)] | None = Field(
        None, description="a list of names of relations"
    )
    direction: FollowedDirection | None = Field(None, description="one of both, out, in")

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        both = (self.similarity_threshold, self.threshold)
        if None not in both and both[0] != both[1]:
            raise conflict("retrieval_params", both, _ONE_THRESHOLD)
        return self


class ExplorationReport(Report):
    """A path through the knowledge graph, and the explanation that was made of it."""

    wrong_concept: Label = Field(description=LABEL)
    graph_path: Annotated[list[HopReport], Field(max_length=HOPS_LIMIT)] = Field(
        description=f"a list of at most {HOPS_LIMIT:,} hops, each with node, relation and next_node"
    )
    retrieval_params: ParamsReport = Field(
        default_factory=ParamsReport, description="an object such as depth, similarity_threshold, max_hops"
    )
    final_explanation: Text | None = Field(None, description=TEXT)
    query: Text | None = Field(None, description=TEXT)
    task_type: Label | None = Field(None, description=LABEL)
    prompt_variant: Label | None = Field(None, description=LABEL)
    similarity_scale: SimilarityScale = Field("(1+cos)/2", description="one of (1+cos)/2, cos")
    latency_ms: Milliseconds | None = Field(None, description=MILLISECONDS)


class PromptReport(Report):
    """Answers to one question under several prompts."""

    user_answer: Text | None = Field(None, description=TEXT)
    correct_answer: Text | None = Field(None, description=TEXT)
    prompt_variants: Annotated[dict[Label, Text], Field(min_length=1, max_length=VARIANTS_LIMIT)] = Field(
        description=_BY_VARIANT
    )
    generated_responses: Annotated[dict[Label, Text], Field(min_length=1, max_length=VARIANTS_LIMIT)] = Field(
        description=_BY_VARIANT
    )
    trace_ids: Annotated[dict[Label, TraceId], Field(max_length=VARIANTS_LIMIT)] = Field(
        default_factory=dict, description=f"an object by the names of the variants, each value {TRACE}"
    )
    manual_scores: Annotated[
        dict[Label, Annotated[float, Field(strict=True, ge=-1e6, le=1e6, allow_inf_nan=False)]],
        Field(max_length=VARIANTS_LIMIT),
    ] = Field(default_factory=dict, description="an object of numbers by the names of the variants")
    task_type: Label | None = Field(None, description=LABEL)


class FeedbackReport(Report):
    """What a learner said of one explanation; `user_feedback` is `feedback_type` under its other name."""

    feedback_type: FeedbackType | None = Field(None, description=_FEEDBACK_TYPES)
    user_feedback: FeedbackType | None = Field(None, description=_FEEDBACK_TYPES)
    ai_explanation: Text | None = Field(None, description=TEXT)
    followup_text: Text | None = Field(None, description=TEXT)
    understanding_score: Annotated[int, Field(strict=True, ge=1, le=5)] | None = Field(
        None,
        description="a whole number from 1 (not understood at all) to 5 (understood completely)",
    )
    concept: Label | None = Field(None, description=LABEL)
    wrong_concept: Label | None = Field(None, description=LABEL)
    task_type: Label | None = Field(None, description=LABEL)
    prompt_variant: Label | None = Field(None, description=LABEL)

    @model_validator(mode="after")
    def _one_feedback_type(self) -> Self:
        given = (self.feedback_type, self.user_feedback)
        if given == (None, None):
            raise conflict("feedback_type", (), _FEEDBACK_TYPES)
        if None not in given and given[0] != given[1]:
            raise conflict("feedback_type", given, _ONE_NAME)
        return self


class CostReport(Report):
    """What one LLM call took and cost."""

    task_type: Label | None = Field(None, description=LABEL)
    model_name: Label = Field(description=LABEL)
    input_tokens: Tokens = Field(description=TOKENS)
    output_tokens: Tokens = Field(description=TOKENS)
    estimated_cost: Cost | None = Field(None, description=USD)
    latency_ms: Milliseconds = Field(description=MILLISECONDS)
    response_quality: Label | None = Field(None, description=LABEL)
    provider: Label | None = Field(None, description=LABEL)
    wrong_concept: Label | None = Field(None, description=LABEL)
    prompt_variant: Label | None = Field(None, description=LABEL)


class ConceptResourceReport(_Part):
    """A resource that a concept has from now on."""

    concept: Label = Field(description=LABEL)
    kind: ResourceKind = Field(description="one of explanation, video, image")
    url: Annotated[str, Field(strict=True, min_length=1, max_length=8000)] = Field(
        description="text of 1 to 8,000 characters"
    )
    title: Label | None = Field(None, description=LABEL)
