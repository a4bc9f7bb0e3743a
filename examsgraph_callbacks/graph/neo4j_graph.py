"""A concept graph in Neo4j, or in a server that speaks its Bolt protocol and Cypher, such as ArcadeDB."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from examsgraph_callbacks.errors import ExamsGraphError, GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import Seed
from examsgraph_callbacks.graph.backend import Candidate, FollowedDirection
from examsgraph_callbacks.graph.cypher import CALIBRATION, GraphSchema, quoted
from examsgraph_callbacks.graph.judging import best_seeds

if TYPE_CHECKING:
    from neo4j import Driver, EagerResult
    from neo4j.exceptions import DriverError, Neo4jError

__all__ = ["Neo4jGraph", "ask"]

_OVERSAMPLING = 10
"""Times as many concepts as wanted are asked of the index, whose order is approximate.

On 392 concepts with Neo4j 5.26's defaults the best one was missed in 13% of queries at 1, in 1% at 4
and in none of 196 at 10.
"""


class _Server(NamedTuple):
    agent: str
    scores_are_cosines: bool


class Neo4jGraph:
    """A `GraphBackend` over the nodes with `label` and the relations between them.

    A node is a concept where it has `name_property`, which must identify it, and `embedding_property`.
    `index_name` is a vector index over these (`load_graph` makes one). `relationship_types` and
    `direction` say which relations are looked at, all by default. A question runs as a read, in
    `database` (None: the user's home database), for `timeout_seconds` at most; how long the driver
    retries is the driver's own setting. The driver is the caller's to open and to close.

    Raises `InvalidInputError` for an identifier that cannot be quoted; asks nothing before it is used.
    """

    def __init__(
        self,
        driver: "Driver",
        index_name: str = "concept_embedding",
        label: str = "Concept",
        *,
        name_property: str = "name",
        text_property: str = "summary",
        embedding_property: str = "embedding",
        relationship_types: Collection[str] | None = None,
        direction: FollowedDirection = "both",
        database: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._driver = driver
        self._index_name = index_name
        self._label = label
        self._schema = GraphSchema(
            label=quoted(label),
            name=quoted(name_property),
            text=quoted(text_property),
            embedding=quoted(embedding_property),
        )
        self._relationship_types = None if relationship_types is None else [*relationship_types]
        self._direction = direction
        self._database = database
        self._timeout_seconds = timeout_seconds
        self._server: _Server | None = None  # known from the first question on

    def nearest(self, query_vector: Sequence[float], count: int) -> Sequence[Seed]:
        return best_seeds(
            self._scored(
                self._schema.nearest(),
                fix=f"make {self._index_name!r} a vector index over embeddings of "
                f"{len(query_vector)} numbers, as load_graph does, or name one that is",
                index_name=self._index_name,
                count=count * _OVERSAMPLING,
                query_vector=[*query_vector],
            ),
            count,
        )

    def named(self, query_vector: Sequence[float], names: Sequence[str]) -> Sequence[Seed]:
        return self._scored(self._schema.named(), names=[*names], query_vector=[*query_vector])

    def neighbours(self, query_vector: Sequence[float], frontier: Sequence[str]) -> Sequence[Candidate]:
        records = self._read(
            self._schema.neighbours(self._direction),
            frontier=[*frontier],
            query_vector=[*query_vector],
            relationship_types=self._relationship_types,
        ).records
        return [
            Candidate(
                node=record["node"],
                relation=record["relation"],
                next_node=record["next_node"],
                similarity_score=self._similarity(record["score"]),
                edge_similarity=self._similarity(record["edge_score"]),
                direction=record["direction"],
            )
            for record in records
        ]

    def texts(self, names: Sequence[str]) -> Mapping[str, str]:
        records = self._read(self._schema.texts(), names=[*names]).records
        return {record["node"]: record["text"] for record in records}

    def describe(self) -> str:
        agent = self._server.agent if self._server else "Neo4j, not asked yet"
        types = "all" if self._relationship_types is None else "|".join(self._relationship_types)
        return f"{agent}: {self._label} by {self._index_name}, relations {types}, {self._direction}"

    def _calibrated(self) -> _Server:
        if self._server is None:
            answer = self._read(CALIBRATION, fix="use Neo4j 5.18 or newer, which has this function")
            agent = answer.summary.server.agent
            orthogonal = answer.records[0]["orthogonal"]
            if orthogonal not in (0.0, 0.5):
                raise GraphUnavailableError(
                    f"expected a similarity of 0.5 or 0 for two orthogonal vectors, got {orthogonal} "
                    f"from {agent}: use Neo4j or ArcadeDB, whose scales are known",
                )
            self._server = _Server(agent, scores_are_cosines=orthogonal == 0.0)
        return self._server

    def _similarity(self, score: float) -> float:
        return (1 + score) / 2 if self._calibrated().scores_are_cosines else score

    def _scored(self, statement: str, *, fix: str | None = None, **parameters: Any) -> list[Seed]:
        return [
            Seed(node=record["node"], similarity_score=self._similarity(record["score"]))
            for record in self._read(statement, fix=fix, **parameters).records
        ]

    def _read(self, statement: str, *, fix: str | None = None, **parameters: Any) -> "EagerResult":
        return ask(
            self._driver,
            statement,
            parameters,
            database=self._database,
            timeout_seconds=self._timeout_seconds,
            fix=fix or "check the database, the label and the properties",
        )


def ask(
    driver: "Driver",
    statement: str,
    parameters: Mapping[str, Any],
    *,
    fix: str,
    database: str | None,
    timeout_seconds: float,
    writes: bool = False,
) -> "EagerResult":
    """What the server answers to one statement in a transaction of its own.

    Raises `InvalidInputError` where vectors of different dimensions were compared, and else
    `GraphUnavailableError`; `fix` is the advice where the error itself suggests none.
    """
    from neo4j import Query, RoutingControl
    from neo4j.exceptions import DriverError, Neo4jError

    try:
        return driver.execute_query(
            Query(statement, timeout=timeout_seconds),
            dict(parameters),
            routing_=RoutingControl.WRITE if writes else RoutingControl.READ,
            database_=database,
        )
    except (DriverError, Neo4jError) as error:
        raise _explained(error, fix) from error


def _explained(error: "DriverError | Neo4jError", fix: str) -> ExamsGraphError:
    from neo4j.exceptions import Neo4jError

    if not isinstance(error, Neo4jError):
        return GraphUnavailableError(
            f"expected a graph server that answers, got {str(error)!r}: "
            "start it, or correct its URI and see that the network lets it through",
        )
    code, message = error.code or "", error.message or str(error)
    if "dimension" in message:
        return InvalidInputError(
            f"expected a query vector of the graph's dimension, got {message!r}: "
            "embed the query with the model that embedded the graph",
        )
    if code.startswith("Neo.ClientError.Security"):
        fix = "correct the user name and password, or give the user the right to this"
    elif code == "Neo.ClientError.Database.DatabaseNotFound":
        fix = "name a database that exists"
    elif "TimedOut" in code:
        fix = "raise timeout_seconds"
    return GraphUnavailableError(
        f"expected the graph server to answer, got {message!r}: {fix}",
    )
