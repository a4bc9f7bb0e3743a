"""What the Neo4j backends ask, and what they read in the answers: no word of it is sent from here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from examsgraph_callbacks.errors import GraphUnavailableError
from examsgraph_callbacks.events import SampledNode, Seed
from examsgraph_callbacks.graph.backend import Candidate, ConceptContent, Neighbourhood, Resource
from examsgraph_callbacks.graph.cypher import GraphSchema
from examsgraph_callbacks.graph.server import KnownServer

if TYPE_CHECKING:
    from neo4j import Record

__all__ = ["Question", "Questions", "contents_in", "neighbourhood_in", "seeds_in"]

_LEAST_ASKED = 100
_OVERSAMPLING = 2
"""How many concepts are asked of the index, whose order is approximate: twice as many as wanted, and 100.

Neo4j 5.26's index missed the best of 392 concepts in 110 of 500 questions when asked for 1, in 19 at 4 and
in 2 at 10; of 100,000 concepts in 31 of 200 at 1 and in 4 at 10. At 50 it missed none of the best three,
but its graph differs from one build to the next. 100 take 2 ms longer than 10, of 100,000 concepts 10 ms.
Of the best 200, 400 asked for held 99.1%.
"""

_CENSUS = 1000  # nodes

_RESOURCE = {
    "resource_type": "HAS_RESOURCE",
    "resource_label": "Resource",
    "resource_keys": ["kind", "url", "title"],
}


@dataclass(frozen=True, slots=True)
class Question:
    """A statement with its parameters; `fix` is the advice where an error itself suggests none."""

    statement: str
    parameters: Mapping[str, Any]
    fix: str = "check the database, the label and the properties"


class Questions:
    """The questions about one graph: `index_name`, `label` and properties are what it calls them."""

    def __init__(
        self, schema: GraphSchema, *, index_name: str, label: str, name: str, embedding: str
    ) -> None:
        self._schema = schema
        self._index_name = index_name
        self._label = label
        self._name = name
        self._embedding = embedding

    def nearest(self, server: KnownServer, query_vector: Sequence[float], count: int) -> Question:
        """For `seeds_in`: the concepts nearest to the query."""
        return Question(
            self._schema.nearest(server),
            {**self._near(server, count), "count": count, "query_vector": [*query_vector]},
            fix=f"make {self._index_name!r} a vector index over embeddings of "
            f"{len(query_vector)} numbers, as load_graph does, or name one that is",
        )

    def named(self, server: KnownServer, query_vector: Sequence[float], names: Sequence[str]) -> Question:
        """For `seeds_in`: the named concepts."""
        return Question(self._schema.named(server), {"names": [*names], "query_vector": [*query_vector]})

    def neighbours(
        self, server: KnownServer, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Question:
        """For `neighbourhood_in`."""
        return Question(
            self._schema.neighbours(server),
            {
                **self._near(server, max_degree),
                "query_vector": [*query_vector],
                "frontier": [*frontier],
                "max_degree": max_degree,
            },
        )

    def contents(self, names: Sequence[str]) -> Question:
        """For `contents_in`."""
        return Question(self._schema.contents(), {"names": [*names], **_RESOURCE})

    def census(self) -> Question:
        """For `why_nothing_is_near`."""
        return Question(self._schema.census(), {"count": _CENSUS})

    def why_nothing_is_near(self, records: Sequence["Record"]) -> GraphUnavailableError:
        """The error that says what a graph lacks whose index names no concept."""
        nodes, names, embeddings = records[0].values()
        label = f"nodes with the label {self._label!r}"
        if not nodes:
            return GraphUnavailableError(
                f"expected {label}, got none: load the graph, or name the label that its concepts have",
            )
        if not names:
            return GraphUnavailableError(
                f"expected {label} to have a property {self._name!r}, got none that does: "
                "pass the name_property that names them",
            )
        if not embeddings:
            return GraphUnavailableError(
                f"expected {label} to have embeddings in {self._embedding!r}, got none that does: "
                "embed them, or pass the embedding_property that they are in",
            )
        return GraphUnavailableError(
            f"expected the index {self._index_name!r} to name {label}, got none though {embeddings} of "
            f"{nodes} have embeddings: wait until it is online, or name one over {self._embedding!r}",
        )

    def _near(self, server: KnownServer, count: int) -> dict[str, Any]:
        asked = {"asked": max(count * _OVERSAMPLING, _LEAST_ASKED)}
        # SEARCH takes the index's name in the statement only
        return asked if server.has_search else asked | {"index_name": self._index_name}


def seeds_in(records: Iterable["Record"]) -> list[Seed]:
    """The concepts of an answer."""
    return [Seed(node=record["node"], similarity_score=record["score"]) for record in records]


def neighbourhood_in(records: Iterable["Record"]) -> Neighbourhood:
    """The relations of an answer."""
    candidates: list[Candidate] = []
    degrees: dict[str, int] = {}
    unscored = 0
    rows = (row for record in records for row in record["rows"])
    for node, relation, next_node, score, edge_score, direction, degree in rows:
        if degree is not None:
            degrees[node] = degree
        elif score is None:
            unscored += 1
        else:
            candidates.append(Candidate(node, relation, next_node, score, edge_score, direction))
    sampled = tuple(
        SampledNode(
            node=node, degree=degree, looked_at=sum(candidate.node == node for candidate in candidates)
        )
        for node, degree in degrees.items()
    )
    return Neighbourhood(candidates, sampled, unscored)


def contents_in(records: Iterable["Record"]) -> Mapping[str, ConceptContent]:
    """The texts and resources of an answer, by concept."""
    return {
        record["node"]: ConceptContent(record["text"], _resources(record["resources"])) for record in records
    }


def _resources(rows: Iterable[tuple[str | None, str | None, str | None]]) -> tuple[Resource, ...]:
    # one without kind or URL is none that a learner could be sent to
    resources = {Resource(kind, url, title) for kind, url, title in rows if kind and url}
    return tuple(sorted(resources, key=lambda each: (each.kind, each.title or "", each.url)))
