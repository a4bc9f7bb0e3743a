"""The parts that facts are made of, none of which is a fact by itself: messages, documents, hops."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt
from pydantic_core import CoreSchema
from pydantic_core.core_schema import any_schema

__all__ = [
    "ContentLength",
    "Direction",
    "ExplorationSource",
    "FeedbackType",
    "FollowedDirection",
    "Frozen",
    "Hop",
    "Json",
    "Message",
    "Request",
    "ResourceKind",
    "RetrievalParams",
    "RetrievedDocument",
    "SampledNode",
    "Scorer",
    "Seed",
    "SimilarityScale",
    "Status",
    "UsageSource",
    "Verdict",
]

Verdict = Literal["followed", "below_threshold", "cycle", "beam", "fan_out", "max_hops"]


Direction = Literal["out", "in"]


FollowedDirection = Literal["both", "out", "in"]
"""Which relations are looked along: those that point away from a concept, those that point to it."""


ExplorationSource = Literal["explorer", "tap", "caller"]


SimilarityScale = Literal["(1+cos)/2", "cos"]


Status = Literal["ok", "error", "partial", "cache_hit"]


UsageSource = Literal["reported", "cache_hit"]


FeedbackType = Literal["thumbs_up", "thumbs_down", "followup_question"]


ResourceKind = Literal["explanation", "video", "image"]


Scorer = Literal["person", "judge"]


class _AlreadyJson:
    """Leaves a value unchecked: capture has made it JSON, and checking it again takes µs a value."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> CoreSchema:
        return any_schema()


Json = Annotated[JsonValue, _AlreadyJson()]
"""A JSON value, however deep; taken as it is."""


class Frozen(BaseModel):
    """A value that never changes; fields it does not know are passed over."""

    # a newer minor version may have added fields: they are ignored, not refused
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null", hide_input_in_errors=True)


class Message(Frozen):
    """One chat message as it was sent or answered; `content` is text or a list of content blocks.

    `extra` is what else it says, under its framework's names: `status`, of a tool that failed, and
    `additional_kwargs`.
    """

    role: str
    content: Json = None
    name: str | None = None
    tool_calls: tuple[Json, ...] = ()
    tool_call_id: str | None = None
    extra: Json = None


class Request(Frozen):
    """What was sent to a model: messages, the tools offered, and sampling parameters."""

    messages: tuple[Message, ...] = ()
    tools: tuple[Json, ...] = ()
    parameters: dict[str, Json] = Field(default_factory=dict)


class ContentLength(Frozen):
    """How much text a model read (tool definitions too) or wrote; a completion prompt is no message."""

    messages: NonNegativeInt
    characters: NonNegativeInt
    utf8_bytes: NonNegativeInt


class RetrievedDocument(Frozen):
    """One document that a retriever returned, its text cut at a cap.

    `content_length` is the whole text's length in characters; `content_hash` (XXH3, 128 bits, of its
    UTF-8 if it is ASCII, else of its little-endian UTF-32) is kept only where the text was cut.
    """

    id: str | None = None
    score: float | None = None
    content: str | None = None
    content_length: NonNegativeInt = 0
    content_hash: str | None = None
    metadata: dict[str, Json] = Field(default_factory=dict)


class Hop(Frozen):
    """One relation that the explorer looked at, followed or not.

    `similarity_score` compares the query with `next_node` and drives the pruning; `edge_similarity`
    compares `node` with `next_node` and shows drift. Both are on the exploration's scale, and None where
    they are not known; `cosine` is the cosine of query and `next_node` whatever the scale, worked out of
    the recorded score. The relation points from `node` to `next_node` where `direction` is `out`, else
    the other way.
    """

    node: str
    relation: str
    next_node: str
    similarity_score: float | None = None
    edge_similarity: float | None = None
    cosine: float | None = None
    direction: Direction = "out"
    depth: Annotated[int, Field(ge=1)] = 1
    verdict: Verdict = "followed"


class RetrievalParams(Frozen):
    """How an exploration was bounded.

    `depth` bounds the levels, `max_hops` the followed hops in all, `beam_width` the hops followed on
    one level, `fan_out` the neighbours of one node that are scored into the level. A node with more than
    `max_degree` relations is sampled (see `SampledNode`). Only relations of `relationship_types` were
    looked at (None: of all types), along `direction`.
    """

    depth: int | None = None
    similarity_threshold: float | None = None
    max_hops: int | None = None
    beam_width: int | None = None
    fan_out: int | None = None
    seeds: int | None = None
    max_degree: int | None = None
    relationship_types: tuple[str, ...] | None = None
    direction: FollowedDirection | None = None


class SampledNode(Frozen):
    """A concept with too many relations to look at each: only those to concepts near the query were.

    `degree` is how many relations to concepts it has, `looked_at` how many of them became hops.
    """

    node: str
    degree: NonNegativeInt
    looked_at: NonNegativeInt


class Seed(Frozen):
    """A concept at which an exploration began; the score compares it with the query."""

    node: str
    similarity_score: float
