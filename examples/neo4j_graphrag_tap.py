"""An existing neo4j-graphrag retriever under the tap: its own Cypher is heard, and nothing of it changes.

    pip install neo4j-graphrag
    NEO4J_URI=neo4j://localhost:7687 NEO4J_PASSWORD=… python examples/neo4j_graphrag_tap.py

The demo's graph is put there first, under a label of its own. No model is asked: this is about the retriever.
"""

import os
import sys

from neo4j import GraphDatabase
from neo4j_graphrag.embeddings.base import Embedder
from neo4j_graphrag.retrievers import VectorCypherRetriever

from examsgraph_callbacks import Journal
from examsgraph_callbacks.demo.concept_graph import open_graph
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.graph import draw_path
from examsgraph_callbacks.graph.tap import record_paths
from examsgraph_callbacks.measure import measure_path

QUESTION = load_questions()[0]


class KnownQuestions(Embedder):
    """The vectors that come with the demo's questions, in the place of an embedding model."""

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return next([*each.embedding] for each in load_questions() if each.question == text)


if "NEO4J_URI" not in os.environ:
    sys.exit("set NEO4J_URI (and NEO4J_USERNAME, NEO4J_PASSWORD): this retriever asks a real Neo4j")
with open_graph() as (_, where):
    print(where)

journal = Journal()
login = os.environ.get("NEO4J_USERNAME", "neo4j"), os.environ.get("NEO4J_PASSWORD", "")
with GraphDatabase.driver(os.environ["NEO4J_URI"], auth=login) as driver:
    # as it stood in the application before
    retriever = VectorCypherRetriever(
        driver,
        "examsgraph_demo_embedding",
        "MATCH path = (node)-[*1..2]->(other) RETURN path, score LIMIT 5",
        KnownQuestions(),
    )
    retriever = record_paths(retriever, journal=journal)  # the one line
    result = retriever.search(query_text=QUESTION.question, top_k=1)

print(f"{len(result.items)} items for {QUESTION.question!r}")
for fact in journal.read():
    if isinstance(fact, Exploration):
        print(f"\n{fact.backend}, {fact.latency_ms:.0f} ms, {len(fact.hops)} hops:\n")
        print(draw_path(measure_path(fact).path, show_relations=True))

print(f"\nRecorded in {journal.path}: see it with  examsgraph path show --last")
