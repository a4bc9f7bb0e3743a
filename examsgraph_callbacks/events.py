"""The vocabulary: every kind of fact that a journal holds, frozen and typed, with the schema version.

A fact says only what happened. What it means (USD, misrouted or not, a strange path or not) is derived
from facts by `measure/`, and can be derived again.

Units throughout: tokens are counts, times are UTC, durations are milliseconds (ms). Ids of runs and
traces are 32 lowercase hexadecimal digits (a UUID without its dashes, an OpenTelemetry trace id).
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    NonNegativeInt,
)

from examsgraph_callbacks.errors import SchemaError

__all__ = [
    "SCHEMA_VERSION",
    "AnyFact",
    "Direction",
    "Exploration",
    "Fact",
    "FactKind",
    "Feedback",
    "FeedbackType",
    "Hop",
    "LLMCall",
    "Message",
    "PromptComparison",
    "Request",
    "Retrieval",
    "RetrievalParams",
    "RetrievedDocument",
    "RunFact",
    "Seed",
    "SimilarityScale",
    "Status",
    "ToolCall",
    "Trace",
    "UsageSource",
    "Verdict",
    "refuse_newer_schema",
]

SCHEMA_VERSION = "1.0"
"""Major.minor. A newer minor version only adds fields or kinds; a newer major one is refused."""

Status = Literal["ok", "error", "partial", "cache_hit"]
UsageSource = Literal["reported", "cache_hit"]
FeedbackType = Literal["thumbs_up", "thumbs_down", "followup_question"]
Verdict = Literal["followed", "below_threshold", "cycle", "beam", "fan_out", "max_hops"]
Direction = Literal["out", "in"]
SimilarityScale = Literal["(1+cos)/2", "cos"]
FactKind = Literal[
    "trace", "llm_call", "retrieval", "exploration", "tool_call", "feedback", "prompt_comparison"
]


def refuse_newer_schema(version: str) -> str:
    """The version itself where this package can read it; raises `SchemaError` for a newer major one."""
    major = version.split(".", 1)[0]
    known = SCHEMA_VERSION.split(".", 1)[0]
    if major.isdigit() and int(major) > int(known):
        # not a ValueError, so that pydantic lets it through instead of calling the fact malformed
        raise SchemaError(
            f"expected facts of schema {known}.x, found schema {version}: "
            "upgrade with  pip install -U examsgraph-callbacks",
        )
    return version


class _Frozen(BaseModel):
    # a newer minor version may have added fields: they are ignored, not refused
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Fact(_Frozen):
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
    inputs: JsonValue = None
    outputs: JsonValue = None


class Message(_Frozen):
    """One chat message as it was sent or answered; `content` is text or a list of content blocks."""

    role: str
    content: JsonValue = None
    name: str | None = None
    tool_calls: tuple[JsonValue, ...] = ()
    tool_call_id: str | None = None


class Request(_Frozen):
    """What was sent to a model: messages, the tools offered, and sampling parameters."""

    messages: tuple[Message, ...] = ()
    tools: tuple[JsonValue, ...] = ()
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class LLMCall(RunFact):
    """One call of a chat or completion model.

    `cached_tokens`, `cache_write_tokens` and `audio_input_tokens` are parts of `input_tokens`;
    `reasoning_tokens` and `audio_output_tokens` are parts of `output_tokens`: never add them on top.
    A count is None where the provider reported none; `usage_source` None leaves it to be estimated.
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
    reasoning_tokens: NonNegativeInt | None = None
    audio_input_tokens: NonNegativeInt | None = None
    audio_output_tokens: NonNegativeInt | None = None
    usage_source: UsageSource | None = None
    finish_reason: str | None = None
    time_to_first_token_ms: float | None = None
    streamed: bool = False
    request: Request | None = None
    answer: tuple[Message, ...] | None = None


class RetrievedDocument(_Frozen):
    """One document that a retriever returned, its text cut at a cap.

    `content_length` is the whole text's length in characters; `content_hash` (XXH3, 128 bits, of its
    UTF-8 if it is ASCII, else of its little-endian UTF-16) is kept only where the text was cut.
    """

    id: str | None = None
    score: float | None = None
    content: str | None = None
    content_length: NonNegativeInt = 0
    content_hash: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class Retrieval(RunFact):
    """One run of any retriever: the query and what came back, best first."""

    kind: Literal["retrieval"] = "retrieval"
    query: str | None = None
    documents: tuple[RetrievedDocument, ...] = ()


class ToolCall(RunFact):
    """One run of a tool."""

    kind: Literal["tool_call"] = "tool_call"
    input: JsonValue = None
    output: JsonValue = None


class Hop(_Frozen):
    """One relation that the explorer looked at, followed or not.

    `similarity_score` compares the query with `next_node` and drives the pruning; `edge_similarity`
    compares `node` with `next_node` and shows drift. Both are on the exploration's scale. The
    relation points from `node` to `next_node` where `direction` is `out`, else the other way.
    """

    node: str
    relation: str
    next_node: str
    similarity_score: float
    edge_similarity: float | None = None
    direction: Direction = "out"
    depth: Annotated[int, Field(ge=1)] = 1
    verdict: Verdict = "followed"


class RetrievalParams(_Frozen):
    """How an exploration was bounded.

    `depth` bounds the levels, `max_hops` the followed hops in all, `beam_width` the hops followed on
    one level, `fan_out` the neighbours of one node that are scored into the level.
    """

    depth: int | None = None
    similarity_threshold: float | None = None
    max_hops: int | None = None
    beam_width: int | None = None
    fan_out: int | None = None
    seeds: int | None = None


class Seed(_Frozen):
    """A concept at which an exploration began; the score compares it with the query."""

    node: str
    similarity_score: float


class Exploration(RunFact):
    """All the hops that were looked at for one query, in the order in which they were judged."""

    kind: Literal["exploration"] = "exploration"
    query: str | None = None
    retrieval_params: RetrievalParams = RetrievalParams()
    seeds: tuple[Seed, ...] = ()
    hops: tuple[Hop, ...] = ()
    similarity_scale: SimilarityScale = "(1+cos)/2"
    backend: str | None = None
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
    """Answers to one question under several prompt variants, by the variants' names."""

    kind: Literal["prompt_comparison"] = "prompt_comparison"
    user_answer: str | None = None
    correct_answer: str | None = None
    prompt_variants: dict[str, str] = Field(default_factory=dict)
    generated_responses: dict[str, str] = Field(default_factory=dict)


AnyFact = Annotated[
    Trace | LLMCall | Retrieval | ToolCall | Exploration | Feedback | PromptComparison,
    Discriminator("kind"),
]
"""Any fact that this version knows, told apart by its `kind`."""
