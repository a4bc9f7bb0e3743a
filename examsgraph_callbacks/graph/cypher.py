"""The Cypher that the Neo4j backend sends; whatever can be a parameter is one."""

from dataclasses import dataclass

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.graph.backend import FollowedDirection

__all__ = ["CALIBRATION", "GraphSchema", "quoted"]

CALIBRATION = "RETURN vector.similarity.cosine([1.0, 0.0], [0.0, 1.0]) AS orthogonal"
"""0.5 where the server's cosine is (1 + cos) / 2, as Neo4j's; 0.0 where it is the cosine itself."""

_ARROWS: dict[FollowedDirection, tuple[str, str]] = {
    "both": ("-", "-"),
    "out": ("-", "->"),
    "in": ("<-", "-"),
}


def quoted(identifier: str) -> str:
    """A label, property or relationship type, which Cypher takes no parameter for, in backticks.

    Raises `InvalidInputError` for an empty one and for one with a backslash, by which Cypher's unicode
    escapes could end the quotation.
    """
    if not identifier or "\\" in identifier:
        raise InvalidInputError(
            f"expected a label, property or relationship type, got {identifier!r}: "
            "name one without backslashes",
        )
    return "`" + identifier.replace("`", "``") + "`"


@dataclass(frozen=True, slots=True)
class GraphSchema:
    """How a database calls the concepts and their properties, each already `quoted`."""

    label: str
    name: str
    text: str
    embedding: str

    def nearest(self) -> str:
        """Asks `$index_name` for `$count` concepts near `$query_vector`: `node`, `score`.

        The score is computed anew: an index that quantizes its vectors, as Neo4j's do unless told
        otherwise, gives scores that are off by some 3e-4.
        """
        return f"""
            CALL db.index.vector.queryNodes($index_name, $count, $query_vector) YIELD node AS concept
            WHERE concept.{self.name} IS NOT NULL
            RETURN concept.{self.name} AS node,
                   vector.similarity.cosine(concept.{self.embedding}, $query_vector) AS score
        """

    def named(self) -> str:
        """Scores the concepts that `$names` names against `$query_vector`: `node`, `score`."""
        return f"""
            UNWIND $names AS name
            MATCH (concept:{self.label} {{{self.name}: name}})
            WHERE concept.{self.embedding} IS NOT NULL
            RETURN concept.{self.name} AS node,
                   vector.similarity.cosine(concept.{self.embedding}, $query_vector) AS score
        """

    def neighbours(self, direction: FollowedDirection) -> str:
        """Every relation of the concepts that `$frontier` names, in one go: a `Candidate`'s fields.

        Of these types only, where `$relationship_types` is a list. WITH keeps the planner from beginning
        at the other end, which on a small graph takes 15 times as long.
        """
        before, after = _ARROWS[direction]
        return f"""
            UNWIND $frontier AS name
            MATCH (concept:{self.label} {{{self.name}: name}})
            WHERE concept.{self.embedding} IS NOT NULL
            WITH concept
            MATCH (concept){before}[relation]{after}(next_concept:{self.label})
            WHERE ($relationship_types IS NULL OR type(relation) IN $relationship_types)
              AND next_concept.{self.embedding} IS NOT NULL AND next_concept.{self.name} IS NOT NULL
            RETURN concept.{self.name} AS node, type(relation) AS relation,
                   next_concept.{self.name} AS next_node,
                   vector.similarity.cosine(next_concept.{self.embedding}, $query_vector) AS score,
                   vector.similarity.cosine(concept.{self.embedding}, next_concept.{self.embedding})
                       AS edge_score,
                   CASE WHEN startNode(relation) = concept THEN 'out' ELSE 'in' END AS direction
        """

    def texts(self) -> str:
        """The texts of the concepts that `$names` names: `node`, `text`."""
        return f"""
            UNWIND $names AS name
            MATCH (concept:{self.label} {{{self.name}: name}})
            RETURN name AS node, coalesce(concept.{self.text}, '') AS text
        """
