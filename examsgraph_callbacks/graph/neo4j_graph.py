"""A concept graph in Neo4j, or in a server that speaks its Bolt protocol and Cypher, such as ArcadeDB."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeAlias, TypedDict, TypeVar, Unpack, get_args, overload

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import FollowedDirection, Seed
from examsgraph_callbacks.graph.asking import aask, ask
from examsgraph_callbacks.graph.backend import ConceptContent, GraphDescription, Neighbourhood
from examsgraph_callbacks.graph.cypher import GraphSchema, quoted
from examsgraph_callbacks.graph.judging import best_seeds
from examsgraph_callbacks.graph.questions import (
    Question,
    Questions,
    contents_in,
    neighbourhood_in,
    seeds_in,
)
from examsgraph_callbacks.graph.server import KnownServer, aknow_server, know_server, known_server

if TYPE_CHECKING:
    from neo4j import AsyncDriver, Driver, Record

__all__ = ["AnyDriver", "AsyncNeo4jGraph", "Neo4jGraph", "Neo4jOptions", "neo4j_graph"]

AnyDriver: TypeAlias = "Driver | AsyncDriver"
DriverT = TypeVar("DriverT", bound="Driver | AsyncDriver")


class Neo4jOptions(TypedDict, total=False):
    """How a graph is read from Neo4j: what `Neo4jGraph` takes beside its driver."""

    index_name: str
    label: str
    name_property: str
    text_property: str
    embedding_property: str
    relationship_types: Collection[str] | None
    direction: FollowedDirection
    database: str | None
    timeout_seconds: float


class _Neo4jGraph(Generic[DriverT]):
    """What the graph of a sync and of an async driver have in common: all but the asking."""

    def __init__(
        self,
        driver: DriverT,
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
        if relationship_types is not None and (not relationship_types or isinstance(relationship_types, str)):
            raise InvalidInputError(
                f"expected a list of relationship types to look along, got {relationship_types!r}: "
                "name some, or leave it out for all types",
            )
        if direction not in get_args(FollowedDirection):
            raise InvalidInputError(
                f"expected a direction of {', '.join(get_args(FollowedDirection))}, got {direction!r}: "
                "leave it out for both",
            )
        types = None if relationship_types is None else tuple(relationship_types)
        schema = GraphSchema(
            index=quoted(index_name),
            label=quoted(label),
            name=quoted(name_property),
            text=quoted(text_property),
            embedding=quoted(embedding_property),
            relationship_types=None if types is None else tuple(map(quoted, types)),
            direction=direction,
        )
        self._driver = driver
        self._index_name = index_name
        self._label = label
        self._relationship_types = types
        self._direction = direction
        self._database = database
        self._timeout_seconds = timeout_seconds
        self._questions = Questions(
            schema, index_name=index_name, label=label, name=name_property, embedding=embedding_property
        )

    def describe(self) -> GraphDescription:
        server = known_server(self._driver)
        agent = server.agent if server else "Neo4j, not asked yet"
        types = "all" if self._relationship_types is None else "|".join(self._relationship_types)
        return GraphDescription(
            backend=f"{agent}: {self._label} by {self._index_name}, relations {types}, {self._direction}",
            index_name=self._index_name,
            server=server.agent if server else None,
            relationship_types=self._relationship_types,
            direction=self._direction,
        )


class Neo4jGraph(_Neo4jGraph["Driver"]):
    """A `GraphBackend` over the nodes with `label` and the relations between them.

    A node is a concept where it has `name_property`, which must identify it (give it a constraint, else
    every node is looked through for it), and `embedding_property`. `index_name` is a vector index over
    these (`load_graph` makes one); over an index of Euclidean distances, beginnings are the best by cosine
    of those nearest by distance, which are the same where all embeddings are of one length.
    `relationship_types` and `direction` say which relations are looked at, all by default. A question
    runs as a read, in `database` (None: the user's home database), and takes `timeout_seconds` at most,
    the driver's retries included. A concept's resources are the nodes `(:Resource {kind, url, title})`
    that it has by `HAS_RESOURCE`. The driver is the caller's to open and to close.

    Raises `InvalidInputError` for an identifier that cannot be quoted and for relations that cannot be
    looked along; asks nothing before it is used.
    """

    def nearest(self, query_vector: Sequence[float], count: int) -> Sequence[Seed]:
        seeds = seeds_in(self._ask(self._questions.nearest(self._server(), query_vector, count)))
        if not seeds:
            raise self._questions.why_nothing_is_near(self._ask(self._questions.census()))
        return best_seeds(seeds, count)

    def named(self, query_vector: Sequence[float], names: Sequence[str]) -> Sequence[Seed]:
        return seeds_in(self._ask(self._questions.named(self._server(), query_vector, names)))

    def neighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        question = self._questions.neighbours(self._server(), query_vector, frontier, max_degree)
        return neighbourhood_in(self._ask(question))

    def contents(self, names: Sequence[str]) -> Mapping[str, ConceptContent]:
        return contents_in(self._ask(self._questions.contents(names)))

    def _server(self) -> KnownServer:
        return know_server(self._driver, database=self._database, timeout_seconds=self._timeout_seconds)

    def _ask(self, question: Question) -> "list[Record]":
        return ask(
            self._driver,
            question.statement,
            question.parameters,
            fix=question.fix,
            database=self._database,
            timeout_seconds=self._timeout_seconds,
        ).records


class AsyncNeo4jGraph(_Neo4jGraph["AsyncDriver"]):
    """`Neo4jGraph` over an asynchronous driver: an `AsyncGraphBackend`."""

    async def anearest(self, query_vector: Sequence[float], count: int) -> Sequence[Seed]:
        question = self._questions.nearest(await self._server(), query_vector, count)
        seeds = seeds_in(await self._ask(question))
        if not seeds:
            raise self._questions.why_nothing_is_near(await self._ask(self._questions.census()))
        return best_seeds(seeds, count)

    async def anamed(self, query_vector: Sequence[float], names: Sequence[str]) -> Sequence[Seed]:
        question = self._questions.named(await self._server(), query_vector, names)
        return seeds_in(await self._ask(question))

    async def aneighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        question = self._questions.neighbours(await self._server(), query_vector, frontier, max_degree)
        return neighbourhood_in(await self._ask(question))

    async def acontents(self, names: Sequence[str]) -> Mapping[str, ConceptContent]:
        return contents_in(await self._ask(self._questions.contents(names)))

    async def _server(self) -> KnownServer:
        return await aknow_server(
            self._driver, database=self._database, timeout_seconds=self._timeout_seconds
        )

    async def _ask(self, question: Question) -> "list[Record]":
        answer = await aask(
            self._driver,
            question.statement,
            question.parameters,
            fix=question.fix,
            database=self._database,
            timeout_seconds=self._timeout_seconds,
        )
        return answer.records


@overload
def neo4j_graph(driver: "Driver", **options: Unpack[Neo4jOptions]) -> Neo4jGraph: ...


@overload
def neo4j_graph(driver: "AsyncDriver", **options: Unpack[Neo4jOptions]) -> AsyncNeo4jGraph: ...


def neo4j_graph(driver: AnyDriver, **options: Unpack[Neo4jOptions]) -> Neo4jGraph | AsyncNeo4jGraph:
    """The graph of either driver: a `Neo4jGraph`, or an `AsyncNeo4jGraph` to be awaited."""
    from neo4j import AsyncDriver

    if isinstance(driver, AsyncDriver):
        return AsyncNeo4jGraph(driver, **options)
    return Neo4jGraph(driver, **options)
