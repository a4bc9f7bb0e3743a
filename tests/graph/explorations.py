"""Explorations as they are recorded: of the demonstration's graph, of metacademy, and told by a caller."""

from datetime import UTC, datetime
from typing import Any

from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams
from examsgraph_callbacks.graph import ExplorationResult, MemoryGraph, explore
from tests.graph.graphs import demo_graph, demo_questions, metacademy_graph, metacademy_queries

__all__ = ["DOCUMENTS_PATH", "of_metacademy", "of_the_demo", "recorded", "told"]

DOCUMENTS_PATH = (
    Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.92),
    Hop(node="제1정규형", relation="해결", next_node="이상현상", similarity_score=0.85),
    Hop(node="이상현상", relation="관련", next_node="SQL 문법", similarity_score=0.45),
)
"""The path of the product's document, in which no hop says its depth."""


def recorded(result: ExplorationResult, **fields: Any) -> Exploration:
    """The fact that is written of `result`."""
    known = {
        name: getattr(result, name)
        for name in ("retrieval_params", "seeds", "hops", "backend", "round_trips")
    }
    return _exploration(**{**known, **fields})


def told(*hops: Hop, **fields: Any) -> Exploration:
    """A path that the caller handed in."""
    bounds = RetrievalParams(depth=3, similarity_threshold=0.7, max_hops=5)
    return _exploration(**{"source": "caller", "retrieval_params": bounds, "hops": hops, **fields})


def of_the_demo(question: int = 0, **bounds: Any) -> Exploration:
    """What the demonstration explores for one of its questions, under these bounds."""
    asked = demo_questions()[question]
    graph = MemoryGraph(demo_graph().concepts, demo_graph().relations)
    result = explore(asked.embedding, graph, RetrievalParams(**{"beam_width": 1, **bounds}))
    return recorded(result, query=asked.text, question_id=asked.question_id)


def of_metacademy(**bounds: Any) -> Exploration:
    """An exploration of 60 hops, unless `bounds` say otherwise."""
    wide = {"depth": 8, "max_hops": 60, "beam_width": 12, "similarity_threshold": 0.5, "fan_out": 12}
    graph = MemoryGraph(metacademy_graph().concepts, metacademy_graph().relations)
    query = metacademy_queries()[3]
    return recorded(explore(query, graph, RetrievalParams(**{**wide, **bounds})), query="What is it about?")


def _exploration(**fields: Any) -> Exploration:
    return Exploration.model_validate(
        {
            "event_id": "e",
            "run_id": "r",
            "started_at": datetime(2025, 1, 15, 10, 30, tzinfo=UTC),
            "latency_ms": 1.0,
            **fields,
        },
    )
