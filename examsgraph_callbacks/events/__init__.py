"""The vocabulary: every kind of fact that a journal holds, frozen and typed, with the schema version.

A fact says only what happened. What it means (USD, misrouted or not, a strange path or not) is derived
from facts by `measure/`, and can be derived again.

Units throughout: tokens are counts, times are UTC, durations are milliseconds (ms). Ids of runs and
traces are 32 lowercase hexadecimal digits (a UUID without its dashes, an OpenTelemetry trace id).
"""

from examsgraph_callbacks.events.facts import (
    AnyFact,
    ConceptResource,
    EmbeddingCall,
    Exploration,
    Exposure,
    Fact,
    FactKind,
    Feedback,
    LLMCall,
    PromptComparison,
    PromptExperimentPlan,
    PromptScore,
    Retrieval,
    RunFact,
    ToolCall,
    Trace,
)
from examsgraph_callbacks.events.parts import (
    ContentLength,
    Direction,
    ExplorationSource,
    FeedbackType,
    FollowedDirection,
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
    Verdict,
)
from examsgraph_callbacks.events.schema import SCHEMA_VERSION, refuse_newer_schema

__all__ = [
    "SCHEMA_VERSION",
    "AnyFact",
    "ConceptResource",
    "ContentLength",
    "Direction",
    "EmbeddingCall",
    "Exploration",
    "ExplorationSource",
    "Exposure",
    "Fact",
    "FactKind",
    "Feedback",
    "FeedbackType",
    "FollowedDirection",
    "Hop",
    "Json",
    "LLMCall",
    "Message",
    "PromptComparison",
    "PromptExperimentPlan",
    "PromptScore",
    "Request",
    "ResourceKind",
    "Retrieval",
    "RetrievalParams",
    "RetrievedDocument",
    "RunFact",
    "SampledNode",
    "Scorer",
    "Seed",
    "SimilarityScale",
    "Status",
    "ToolCall",
    "Trace",
    "UsageSource",
    "Verdict",
    "refuse_newer_schema",
]
