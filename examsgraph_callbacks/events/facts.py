"""The facts themselves: one class a kind, from the call of a model to a learner's reaction."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, NonNegativeInt

from examsgraph_callbacks.events.parts import (
    ContentLength,
    ExplorationSource,
    FeedbackType,
    Frozen,
    Hop,
    Json,
    Message,
    Request,
    ResourceKind,
    RetrievalParams,
    RetrievedDocument,
    SampledNode,
    Scorer,
    Seed,
    SimilarityScale,
    Status,
    UsageSource,
)
from examsgraph_callbacks.events.schema import SCHEMA_VERSION, refuse_newer_schema

__all__ = [
    "AnyFact",
    "ConceptResource",
    "EmbeddingCall",
    "Exploration",
    "Exposure",
    "Fact",
    "FactKind",
    "Feedback",
    "LLMCall",
    "PromptComparison",
    "PromptExperimentPlan",
    "PromptScore",
    "Retrieval",
    "RunFact",
    "ToolCall",
    "Trace",
]

FactKind = Literal[
    "trace",
    "llm_call",
    "embedding_call",
    "retrieval",
    "exploration",
    "tool_call",
    "feedback",
    "prompt_comparison",
    "concept_resource",
    "prompt_experiment",
    "exposure",
    "prompt_score",
]


class Fact(Frozen):
    """What every fact has: what it is, when it began, and whom and what it was for."""

    kind: FactKind
    schema_version: Annotated[str, AfterValidator(refuse_newer_schema)] = SCHEMA_VERSION
    event_id: str
    started_at: datetime
    trace_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    question_id: str | None = None
    task_type: str | None = None
    wrong_concept: str | None = None
    prompt_variant: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def ended_at(self) -> datetime:
        """When the fact was complete (UTC), which is when it was written."""
        return self.started_at


class RunFact(Fact):
    """A fact with a duration, standing in the tree of its trace.

    `langgraph_node` is the node of a LangGraph graph in which the run took place.
    """

    run_id: str
    parent_run_id: str | None = None
    name: str | None = None
    langgraph_node: str | None = None
    status: Status = "ok"
    error_type: str | None = None
    error_message: str | None = None
    latency_ms: float

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(milliseconds=self.latency_ms)


class Trace(RunFact):
    """One top-level invocation of a chain (one tutoring turn); its `run_id` is its `trace_id`."""

    kind: Literal["trace"] = "trace"
    inputs: Json = None
    outputs: Json = None


class LLMCall(RunFact):
    """One call of a chat or completion model.

    `cached_tokens`, `cache_write_tokens` and `audio_input_tokens` are parts of `input_tokens`;
    `cache_write_1h_tokens` (written to be kept for an hour, not for some minutes) is a part of
    `cache_write_tokens`; `reasoning_tokens` and `audio_output_tokens` are parts of `output_tokens`: never
    add them on top. `cache_write_split_open` says that the request asked for writes of both lifetimes and
    nothing told how many are of which, None that there is nothing to say of it.
    A count is None where the provider reported none; `usage_source` None leaves it to be estimated.
    `request_length` and `answer_length` are kept for that where the text itself was redacted or dropped.
    `stated_cost_usd` is what whoever reported the call says that it cost, and `response_quality` what they
    thought of the answer, in a word of their own.
    """

    kind: Literal["llm_call"] = "llm_call"
    provider: str | None = None
    requested_model: str | None = None
    served_model: str | None = None
    service_tier: str | None = None
    input_tokens: NonNegativeInt | None = None
    output_tokens: NonNegativeInt | None = None
    cached_tokens: NonNegativeInt | None = None
    cache_write_tokens: NonNegativeInt | None = None
    cache_write_1h_tokens: NonNegativeInt | None = None
    cache_write_split_open: bool | None = None
    reasoning_tokens: NonNegativeInt | None = None
    audio_input_tokens: NonNegativeInt | None = None
    audio_output_tokens: NonNegativeInt | None = None
    usage_source: UsageSource | None = None
    finish_reason: str | None = None
    time_to_first_token_ms: float | None = None
    streamed: bool = False
    request: Request | None = None
    answer: tuple[Message, ...] | None = None
    request_length: ContentLength | None = None
    answer_length: ContentLength | None = None
    stated_cost_usd: Annotated[Decimal, Field(ge=0, lt=10**20, allow_inf_nan=False)] | None = None
    response_quality: str | None = None


class EmbeddingCall(RunFact):
    """One call of an embedding model for `text_count` texts.

    `input_tokens` is None where the provider reported none. `texts` and `vectors` (little-endian float32 in
    base64), one each a text, are kept only where that was asked for, so that the call can be replayed; of a
    text that was sent as tokens its hash stands in `texts`.
    """

    kind: Literal["embedding_call"] = "embedding_call"
    provider: str | None = None
    requested_model: str | None = None
    served_model: str | None = None
    input_tokens: NonNegativeInt | None = None
    usage_source: UsageSource | None = None
    text_count: NonNegativeInt = 0
    texts: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()


class Retrieval(RunFact):
    """One run of any retriever: the query and what came back, best first."""

    kind: Literal["retrieval"] = "retrieval"
    query: str | None = None
    documents: tuple[RetrievedDocument, ...] = ()


class ToolCall(RunFact):
    """One run of a tool."""

    kind: Literal["tool_call"] = "tool_call"
    input: Json = None
    output: Json = None


class Exploration(RunFact):
    """All the hops that were looked at for one query, in the order in which they were judged.

    `source` says who knew them: this package's `explorer`, the `tap` on another retriever's queries, or
    the `caller` who handed them in. `uncaptured` says, a sentence each, what could not be seen; `sampled`
    names the concepts that had too many relations to look at each. `server` is the product and version
    that was asked, `index_name` its vector index: both None where there is none, or it never answered.
    `round_trips` counts the questions for beginnings and relations. `latency_ms` is 0 where a caller did
    not say how long it took.
    """

    kind: Literal["exploration"] = "exploration"
    source: ExplorationSource = "explorer"
    uncaptured: tuple[str, ...] = ()
    query: str | None = None
    retrieval_params: RetrievalParams = RetrievalParams()
    seeds: tuple[Seed, ...] = ()
    hops: tuple[Hop, ...] = ()
    sampled: tuple[SampledNode, ...] = ()
    similarity_scale: SimilarityScale = "(1+cos)/2"
    backend: str | None = None
    index_name: str | None = None
    server: str | None = None
    round_trips: NonNegativeInt | None = None
    final_explanation: str | None = None


class Feedback(Fact):
    """What a learner said of one explanation; `understanding_score` runs from 1 (not at all) to 5."""

    kind: Literal["feedback"] = "feedback"
    feedback_type: FeedbackType
    understanding_score: Annotated[int, Field(ge=1, le=5)] | None = None
    followup_text: str | None = None
    ai_explanation: str | None = None
    concept: str | None = None


class PromptComparison(Fact):
    """Answers to one question under several prompt variants, by the variants' names.

    `trace_ids` names the turns that gave the answers, `manual_scores` what a person thought of them, both
    as far as they are known.
    """

    kind: Literal["prompt_comparison"] = "prompt_comparison"
    user_answer: str | None = None
    correct_answer: str | None = None
    prompt_variants: dict[str, str] = Field(default_factory=dict)
    generated_responses: dict[str, str] = Field(default_factory=dict)
    trace_ids: dict[str, str] = Field(default_factory=dict)
    manual_scores: dict[str, float] = Field(default_factory=dict)


class ConceptResource(Fact):
    """From its time on, `concept` had a resource that it did not have before."""

    kind: Literal["concept_resource"] = "concept_resource"
    concept: str
    resource_kind: ResourceKind
    url: str
    title: str | None = None


class PromptExperimentPlan(Fact):
    """What was settled of an experiment before it began; the first plan of a name is the one that holds.

    `weights` are the shares of the variants, the control's first. `minimum_effect` is in the primary
    metric's own unit. `planned_looks` are days.
    """

    kind: Literal["prompt_experiment"] = "prompt_experiment"
    experiment: str
    prompt_variants: dict[str, str] = Field(default_factory=dict)
    weights: dict[str, float]
    primary_metric: str
    minimum_effect: float
    significance: float
    power: float
    planned_looks: int


class Exposure(Fact):
    """A learner (`user_id`) was given a prompt (`prompt_variant`) of an experiment, and it was used."""

    kind: Literal["exposure"] = "exposure"
    experiment: str


class PromptScore(Fact):
    """What was thought later of one answer (`prompt_variant`) of the comparison with that `event_id`.

    `judge` names the model that judged: its score is 1 where the answer won over the control's, 0 where it
    lost, else 0.5. `position_consistent` says whether it judged alike once the places were swapped.
    """

    kind: Literal["prompt_score"] = "prompt_score"
    comparison_id: str
    score: float
    scorer: Scorer = "person"
    judge: str | None = None
    rationale: str | None = None
    position_consistent: bool | None = None


AnyFact = Annotated[
    Trace
    | LLMCall
    | EmbeddingCall
    | Retrieval
    | ToolCall
    | Exploration
    | Feedback
    | PromptComparison
    | ConceptResource
    | PromptExperimentPlan
    | Exposure
    | PromptScore,
    Discriminator("kind"),
]
"""Any fact that this version knows, told apart by its `kind`."""
