"""The Cypher that the Neo4j backend sends; whatever can be a parameter is one."""

from dataclasses import dataclass

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import FollowedDirection
from examsgraph_callbacks.graph.judging import SCORE_DIGITS
from examsgraph_callbacks.graph.server import KnownServer

__all__ = ["GraphSchema", "quoted"]

_ARROWS: dict[FollowedDirection, tuple[str, str]] = {
    "both": ("-", "-"),
    "out": ("-", "->"),
    "in": ("<-", "-"),
}


def quoted(identifier: str) -> str:
    """A label, property, relationship type or index, which Cypher takes no parameter for, in backticks.

    Raises `InvalidInputError` for an empty one and for one with a backslash, by which Cypher's unicode
    escapes could end the quotation.
    """
    if not identifier or "\\" in identifier:
        raise InvalidInputError(
            f"expected a label, property, relationship type or index, got {identifier!r}: "
            "name one without backslashes",
        )
    return "`" + identifier.replace("`", "``") + "`"


@dataclass(frozen=True, slots=True)
class GraphSchema:
    """How a database calls the concepts, their properties, index and relations, each already `quoted`.

    Without `relationship_types` relations of every type are looked along. A statement may depend on the
    server; its scores are (1 + cos) / 2 on every one.
    """

    index: str
    label: str
    name: str
    text: str
    embedding: str
    relationship_types: tuple[str, ...] | None
    direction: FollowedDirection

    def nearest(self, server: KnownServer) -> str:
        """Of `$asked` concepts that the index names, the `$count` nearest to `$query_vector`.

        A record is `node` and `score`. The score is computed anew: an index that quantizes its vectors, as
        Neo4j's do unless told otherwise, gives scores that are off by some 3e-4, and one of distances
        gives none of cosines.
        """
        return f"""{_language(server)}
            {self._near(server, "concept")}
            WITH concept.{self.name} AS node,
                 {_similarity(server, f"concept.{self.embedding}", "$query_vector")} AS score
            WHERE node IS NOT NULL AND score IS NOT NULL
            RETURN node, score
            ORDER BY round(score, {SCORE_DIGITS}) DESC, node
            LIMIT $count
        """

    def named(self, server: KnownServer) -> str:
        """Scores the concepts that `$names` names against `$query_vector`: `node`, `score`."""
        return f"""
            UNWIND $names AS name
            MATCH (concept:{self.label} {{{self.name}: name}})
            WHERE concept.{self.embedding} IS NOT NULL
            RETURN concept.{self.name} AS node,
                   {_similarity(server, f"concept.{self.embedding}", "$query_vector")} AS score
        """

    def neighbours(self, server: KnownServer) -> str:
        """Every relation of the concepts that `$frontier` names, in one record: `rows`.

        A row is a `Candidate`'s fields and a null, its scores null where `next_node` has no embedding; as
        records of their own, a hundred rows would take the driver 2 ms longer. A concept with more than
        `$max_degree` relations has a row of its own with its degree and else nulls, and rows only for its
        relations to the `$max_degree` concepts that are nearest to `$query_vector`, of `$asked` that the
        index names: to score 8,000 neighbours takes ten times as long. In subqueries the planner cannot
        begin at the other end, which on a small graph takes 15 times as long.
        """
        concept, next_concept = f"concept.{self.embedding}", f"next_concept.{self.embedding}"
        nearness = _similarity(server, next_concept, "$query_vector")
        return f"""{_language(server)}
            UNWIND $frontier AS name
            MATCH (concept:{self.label} {{{self.name}: name}})
            WHERE {concept} IS NOT NULL
            WITH concept, COUNT {{ (concept){self._relation()}(:{self.label}) }} AS degree
            WITH collect(CASE WHEN degree <= $max_degree THEN concept END) AS concepts,
                 collect(CASE WHEN degree > $max_degree THEN [concept, degree] END) AS supernodes
            CALL (concepts, supernodes) {{
                UNWIND concepts AS concept
                MATCH (concept){self._relation("relation")}(next_concept:{self.label})
                WHERE next_concept.{self.name} IS NOT NULL
                RETURN concept, relation, next_concept, {nearness} AS score, null AS degree
              UNION ALL
                WITH supernodes WHERE size(supernodes) > 0
                {self._near(server, "next_concept")}
                WITH supernodes, next_concept, {nearness} AS score
                WHERE next_concept.{self.name} IS NOT NULL AND score IS NOT NULL
                ORDER BY round(score, {SCORE_DIGITS}) DESC, next_concept.{self.name}
                LIMIT $max_degree
                UNWIND supernodes AS supernode
                WITH supernode[0] AS concept, next_concept, score
                MATCH (concept){self._relation("relation")}(next_concept)
                RETURN concept, relation, next_concept, score, null AS degree
              UNION ALL
                UNWIND supernodes AS supernode
                RETURN supernode[0] AS concept, null AS relation, null AS next_concept, null AS score,
                       supernode[1] AS degree
            }}
            RETURN collect([
                concept.{self.name}, type(relation), next_concept.{self.name}, score,
                {_similarity(server, concept, next_concept)},
                CASE WHEN startNode(relation) = concept THEN 'out' ELSE 'in' END, degree
            ]) AS rows
        """

    def contents(self) -> str:
        """The texts and resources of the concepts that `$names` names: `node`, `text`, `resources`.

        `$resource_keys` says in which order a resource's properties come. By `type()` and `labels()`, as
        Neo4j warns of a type or a label in a pattern that the database does not have, at each question.
        """
        return f"""
            UNWIND $names AS name
            MATCH (concept:{self.label} {{{self.name}: name}})
            RETURN name AS node, coalesce(concept.{self.text}, '') AS text,
                   [(concept)-[has]->(resource)
                     WHERE type(has) = $resource_type AND $resource_label IN labels(resource)
                     | [key IN $resource_keys | properties(resource)[key]]] AS resources
        """

    def census(self) -> str:
        """Of the first `$count` nodes with the label, how many have a name and an embedding."""
        return f"""
            MATCH (concept:{self.label})
            WITH concept LIMIT $count
            RETURN count(concept) AS nodes, count(concept.{self.name}) AS names,
                   count(concept.{self.embedding}) AS embeddings
        """

    def _relation(self, variable: str = "") -> str:
        before, after = _ARROWS[self.direction]
        types = "" if self.relationship_types is None else ":" + "|".join(self.relationship_types)
        return f"{before}[{variable}{types}]{after}"

    def _near(self, server: KnownServer, concept: str) -> str:
        if server.has_search:
            return f"""
                MATCH ({concept}:{self.label})
                SEARCH {concept} IN (VECTOR INDEX {self.index} FOR $query_vector LIMIT $asked)
            """
        return f"""
                CALL db.index.vector.queryNodes($index_name, $asked, $query_vector) YIELD node AS {concept}
                WHERE {concept}:{self.label}
        """


def _language(server: KnownServer) -> str:
    # a database's own default may be an older Cypher
    return "CYPHER 25" if server.has_search else ""


def _similarity(server: KnownServer, one: str, other: str) -> str:
    cosine = f"vector.similarity.cosine({one}, {other})"
    return f"(1 + {cosine}) / 2" if server.scores_are_cosines else cosine
