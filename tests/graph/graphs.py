"""Graphs that the tests walk: the demonstration's, metacademy's, and small ones made to measure."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from llama_index.core.base.embeddings.base import BaseEmbedding

import examsgraph_callbacks
from examsgraph_callbacks.graph import Concept, ConceptGraph, MemoryGraph, Relation

DEMO = Path(examsgraph_callbacks.__file__).parent / "demo" / "data"
METACADEMY = Path(__file__).parents[3] / "shared" / "data" / "metacademy"
QUERY = (1.0, 0.0)
"""The query of the graphs that `scored` makes."""


@dataclass(frozen=True)
class Question:
    question_id: str
    text: str
    embedding: tuple[float, ...]


@cache
def demo_graph() -> ConceptGraph:
    return ConceptGraph.from_jsonl(DEMO / "concepts.jsonl", DEMO / "relations.jsonl")


@cache
def demo_questions() -> tuple[Question, ...]:
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(
        Question(line["question_id"], line["question"], tuple(line["embedding"]))
        for line in map(json.loads, lines)
    )


class KnownQuestions(Embeddings):
    """Embeds the demonstration's questions, by what was computed for them."""

    def embed_query(self, text: str) -> list[float]:
        return next([*question.embedding] for question in demo_questions() if question.text == text)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


class LlamaIndexKnownQuestions(BaseEmbedding):
    """The same, as LlamaIndex's models do."""

    def _get_query_embedding(self, query: str) -> list[float]:
        return KnownQuestions().embed_query(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_query_embedding(text)


@cache
def metacademy_graph() -> ConceptGraph:
    if not METACADEMY.is_dir():
        pytest.skip(f"no metacademy graph in {METACADEMY}")
    vectors = np.load(METACADEMY / "embeddings.npy").tolist()
    nodes = (METACADEMY / "nodes.jsonl").read_text(encoding="utf-8").splitlines()
    edges = (METACADEMY / "edges.jsonl").read_text(encoding="utf-8").splitlines()
    return ConceptGraph.of(
        [
            Concept(name=node["id"], summary=node["summary"], embedding=tuple(vector))
            for node, vector in zip(map(json.loads, nodes), vectors, strict=True)
        ],
        map(Relation.model_validate_json, edges),
    )


@cache
def metacademy_queries() -> tuple[tuple[float, ...], ...]:
    """100 random questions that are about something: between two concepts, with some noise."""
    random = np.random.default_rng(20260118)
    vectors = np.asarray([concept.embedding for concept in metacademy_graph().concepts])
    one, other = random.integers(len(vectors), size=(2, 100))
    share = random.uniform(size=(100, 1))
    queries = share * vectors[one] + (1 - share) * vectors[other] + random.normal(scale=0.02, size=(100, 384))
    return tuple(map(tuple, queries.tolist()))


def scored(scores: Mapping[str, float], relations: Sequence[tuple[str, str, str]]) -> MemoryGraph:
    """A graph whose concepts have these similarity scores with `QUERY`."""
    return MemoryGraph(
        [
            Concept(
                name=name,
                summary=f"about {name}",
                embedding=(2 * score - 1, math.sqrt(1 - (2 * score - 1) ** 2)),
            )
            for name, score in scores.items()
        ],
        [Relation(source=source, type=kind, target=target) for source, kind, target in relations],
    )
