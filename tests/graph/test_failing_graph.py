"""What a retriever's user is told when the graph fails, and what is on record: on the real server."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
from llama_index.core.schema import QueryBundle
from neo4j import AsyncGraphDatabase, Driver, GraphDatabase

from examsgraph_callbacks.errors import ExamsGraphError, GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import Exploration, Retrieval
from examsgraph_callbacks.graph import MemoryGraph, Neo4jGraph, explore, explore_by_level
from examsgraph_callbacks.graph.asking import ask
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, GraphPathRetriever
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from examsgraph_callbacks.llama_index import GraphPathRetriever as LlamaIndexRetriever
from tests.graph.graphs import KnownQuestions, demo_graph, demo_questions
from tests.graph.served import DEMO, assert_same, connect, loaded
from tests.servers.neo4j_server import Neo4jServer
from tests.servers.neo4j_ways import MavenNeo4j
from tests.servers.tcp_proxy import TcpProxy

QUESTION = demo_questions()[0]


class ThreeNumbers(KnownQuestions):
    """Another model than the graph's."""

    def embed_query(self, text: str) -> list[float]:
        return [1.0, 0.0, 0.0]


@dataclass(frozen=True)
class Failure:
    """A retriever that must fail, and what its error must say."""

    retriever: GraphPathRetriever
    kind: type[ExamsGraphError]
    message: str


@pytest.fixture(scope="module")
def driver(neo4j_server: Neo4jServer) -> Iterator[Driver]:
    with connect(neo4j_server) as driver:
        loaded(neo4j_server, driver, demo_graph(), DEMO)
        driver.execute_query("MERGE (:Unembedded {name: '정규화'}) MERGE (:Unnamed {title: '정규화'})")
        if neo4j_server.product == "neo4j":
            for label in ("Unembedded", "Unnamed", "Nothing"):
                driver.execute_query(
                    f"CREATE VECTOR INDEX {label} IF NOT EXISTS FOR (n:{label}) ON n.embedding OPTIONS "
                    "{indexConfig: {`vector.dimensions`: 384, `vector.similarity_function`: 'cosine'}}"
                )
                driver.execute_query("CALL db.awaitIndex($name, 60)", name=label)
        yield driver


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(
    params=[
        "no index",
        "wrong dimension",
        "no such database",
        "bad credentials",
        "server down",
        "slow",
        "empty",
        "without embeddings",
        "without names",
        "another index",
    ]
)
def failure(
    request: pytest.FixtureRequest, neo4j_server: Neo4jServer, driver: Driver, closing: ExitStack
) -> Failure:
    case: Callable[[Neo4jServer, Driver, ExitStack], Failure] = FAILURES[request.param]
    if case in ONLY_NEO4J and neo4j_server.product != "neo4j":
        pytest.skip("ArcadeDB has no CREATE VECTOR INDEX, and words what it minds otherwise")
    return case(neo4j_server, driver, closing)


def of(driver: Driver, index_name: str = DEMO[0], label: str = DEMO[1], **more: object) -> GraphPathRetriever:
    return GraphPathRetriever(
        graph=Neo4jGraph(driver, index_name, label, **more),  # type: ignore[arg-type]
        embeddings=KnownQuestions(),
    )


def no_index(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    retriever = of(driver, "no index")
    return Failure(retriever, GraphUnavailableError, "make 'no index' a vector index .* 384 numbers")


def wrong_dimension(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    retriever = GraphPathRetriever(graph=Neo4jGraph(driver, *DEMO), embeddings=ThreeNumbers())
    return Failure(retriever, InvalidInputError, "embed the query with the model that embedded")


def no_such_database(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    # the server is known without a database: this is the question for the beginnings
    explore(QUESTION.embedding, Neo4jGraph(driver, *DEMO))
    return Failure(of(driver, database="nowhere"), GraphUnavailableError, "nowhere.*: name a database")


def bad_credentials(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    refused = closing.enter_context(connect(server, password="wrong"))
    return Failure(of(refused), GraphUnavailableError, "correct the user name and password")


def server_down(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    reserved = closing.enter_context(socket.socket())
    reserved.bind(("127.0.0.1", 0))  # and does not listen
    unreached = closing.enter_context(connect(server, uri=f"bolt://127.0.0.1:{reserved.getsockname()[1]}"))
    return Failure(of(unreached), GraphUnavailableError, "start it, or correct its URI")


def slow(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    proxy = closing.enter_context(TcpProxy(urlsplit(server.uri).port or 0))
    held_up = closing.enter_context(connect(server, uri=f"bolt://127.0.0.1:{proxy.port}"))
    explore(QUESTION.embedding, Neo4jGraph(held_up, *DEMO))  # as long as it gets through
    proxy.hold()
    retriever = of(held_up, timeout_seconds=0.3)
    return Failure(retriever, GraphUnavailableError, r"within 0\.3 s, got nothing: .* raise timeout_seconds")


def empty(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    retriever = of(driver, "Nothing", "Nothing")
    return Failure(retriever, GraphUnavailableError, "the label 'Nothing', got none: load the graph")


def without_embeddings(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    retriever = of(driver, "Unembedded", "Unembedded")
    return Failure(retriever, GraphUnavailableError, "in 'embedding', got none that does: embed them, or")


def without_names(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    retriever = of(driver, "Unnamed", "Unnamed")
    return Failure(retriever, GraphUnavailableError, "property 'name', got none that does: .* name_property")


def another_index(server: Neo4jServer, driver: Driver, closing: ExitStack) -> Failure:
    retriever = of(driver, "Nothing")
    return Failure(retriever, GraphUnavailableError, "'Nothing' to name .* though 62 of 62 have embeddings")


FAILURES = {
    case.__name__.replace("_", " "): case
    for case in (
        no_index,
        wrong_dimension,
        no_such_database,
        bad_credentials,
        server_down,
        slow,
        empty,
        without_embeddings,
        without_names,
        another_index,
    )
}
ONLY_NEO4J = {wrong_dimension, no_such_database, empty, without_embeddings, without_names, another_index}


def recorded(journal: Journal) -> tuple[Exploration, Retrieval]:
    facts = {fact.kind: fact for fact in journal.read()}
    exploration, retrieval = facts["exploration"], facts["retrieval"]
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    return exploration, retrieval


def test_the_error_names_the_fix_and_is_on_record(failure: Failure, tmp_path: Path) -> None:
    handler = ExamsGraphCallbackHandler(tmp_path)
    with pytest.raises(failure.kind, match=failure.message) as raised:
        failure.retriever.invoke(QUESTION.text, config={"callbacks": [handler]})
    exploration, retrieval = recorded(handler.journal)
    for fact in (exploration, retrieval):
        assert (fact.status, fact.error_type) == ("error", failure.kind.__name__)
        assert fact.error_message == str(raised.value)
    assert exploration.parent_run_id == retrieval.run_id
    assert exploration.query == QUESTION.text
    assert exploration.hops == ()
    assert exploration.index_name is not None


def test_the_chains_own_error_handling_is_intact(failure: Failure, tmp_path: Path) -> None:
    handler = ExamsGraphCallbackHandler(tmp_path)
    known = [Document("정규화의 목적")]
    chain = failure.retriever.with_fallbacks(
        [RunnableLambda(lambda _: known)], exceptions_to_handle=(failure.kind,)
    )
    assert chain.invoke(QUESTION.text, config={"callbacks": [handler]}) == known
    exploration, _ = recorded(handler.journal)
    assert exploration.status == "error"


def test_it_is_the_same_in_llama_index(failure: Failure, tmp_path: Path) -> None:
    retriever = LlamaIndexRetriever(failure.retriever.graph, failure.retriever.embeddings)
    with (
        ExamsGraphEventHandler(tmp_path) as handler,
        pytest.raises(failure.kind, match=failure.message),
    ):
        retriever.retrieve(QUESTION.text)
    exploration, retrieval = recorded(handler.journal)
    assert (exploration.status, retrieval.status) == ("error", "error")
    assert exploration.parent_run_id == retrieval.run_id


async def test_an_awaited_question_that_takes_too_long_is_given_up_and_on_record(
    neo4j_server: Neo4jServer, driver: Driver, tmp_path: Path
) -> None:
    handler = ExamsGraphCallbackHandler(tmp_path)
    login = (neo4j_server.username, neo4j_server.password)
    with TcpProxy(urlsplit(neo4j_server.uri).port or 0) as proxy:
        uri = f"bolt://127.0.0.1:{proxy.port}"
        async with AsyncGraphDatabase.driver(uri, auth=login, max_transaction_retry_time=0) as awaited:
            of_awaited = {"index_name": DEMO[0], "label": DEMO[1], "timeout_seconds": 0.3}
            retriever = GraphPathRetriever.from_driver(awaited, KnownQuestions(), **of_awaited)  # type: ignore[arg-type]
            proxy.hold()
            with pytest.raises(GraphUnavailableError, match=r"within 0\.3 s"):
                await retriever.ainvoke(QUESTION.text, config={"callbacks": [handler]})
            exploration, retrieval = recorded(handler.journal)
            assert (exploration.status, retrieval.status) == ("error", "error")
            proxy.release()


def test_a_statement_that_takes_too_long_is_given_up_here_and_by_the_server(
    neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if neo4j_server.product != "neo4j":
        pytest.skip("ArcadeDB refuses to count that far")
    endless = "UNWIND range(1, 1000000000000) AS number RETURN sum(number)"
    ended = Event()
    with connect(neo4j_server) as driver:
        execute_query = driver.execute_query

        def watched(*arguments: Any, **options: Any) -> Any:
            try:
                return execute_query(*arguments, **options)
            finally:
                ended.set()

        monkeypatch.setattr(driver, "execute_query", watched)
        with pytest.raises(GraphUnavailableError, match="raise timeout_seconds"):
            ask(driver, endless, {}, fix="", database=None, timeout_seconds=0.05)
        # nor can the driver be closed before: its connection is in use
        assert ended.wait(60)


def test_a_server_that_restarts_in_the_middle_of_a_question_is_asked_again(
    restartable_neo4j: MavenNeo4j, tmp_path: Path
) -> None:
    server = restartable_neo4j.start()
    handler = ExamsGraphCallbackHandler(tmp_path)
    with (
        TcpProxy(urlsplit(server.uri).port or 0) as proxy,
        GraphDatabase.driver(
            f"bolt://127.0.0.1:{proxy.port}", auth=(server.username, server.password)
        ) as driver,
        ThreadPoolExecutor(max_workers=1) as threads,
    ):
        loaded(server, driver, demo_graph(), DEMO)
        graph = Neo4jGraph(driver, *DEMO, timeout_seconds=100)
        memory = MemoryGraph(demo_graph().concepts, demo_graph().relations)
        levels = explore_by_level(QUESTION.embedding, graph)
        next(levels)
        next(levels)

        proxy.hold()
        rest = threads.submit(list, levels)
        proxy.wait_until_asked()  # for the first level
        restartable_neo4j.kill()
        restartable_neo4j.start()
        proxy.release()

        assert_same(rest.result(90)[-1], explore(QUESTION.embedding, memory))

        # and where it does not come back, what was looked at till then is on record
        retriever = of(driver, timeout_seconds=2)
        proxy.hold()
        failing = threads.submit(retriever.invoke, QUESTION.text, config={"callbacks": [handler]})
        proxy.wait_until_asked()
        restartable_neo4j.kill()
        proxy.release()
        with pytest.raises(GraphUnavailableError, match=r"up and not overloaded|start it, or correct"):
            failing.result(60)
        exploration, retrieval = recorded(handler.journal)
        assert (exploration.status, retrieval.status) == ("error", "error")


async def test_a_cancelled_retrieval_is_on_record(tmp_path: Path, neo4j_server: Neo4jServer) -> None:
    import asyncio

    handler = ExamsGraphCallbackHandler(tmp_path)
    login = (neo4j_server.username, neo4j_server.password)
    with TcpProxy(urlsplit(neo4j_server.uri).port or 0) as proxy:
        uri = f"bolt://127.0.0.1:{proxy.port}"
        async with AsyncGraphDatabase.driver(uri, auth=login) as awaited:
            retriever = GraphPathRetriever.from_driver(
                awaited, KnownQuestions(), index_name=DEMO[0], label=DEMO[1]
            )
            proxy.hold()
            task = asyncio.create_task(
                retriever.ainvoke(QUESTION.text, config={"callbacks": [handler]}),
            )
            await asyncio.to_thread(proxy.wait_until_asked)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            proxy.release()
    explorations = [fact for fact in handler.journal.read() if isinstance(fact, Exploration)]
    assert [(fact.status, fact.error_type) for fact in explorations] == [("error", "CancelledError")]


def test_a_vector_that_was_embedded_already_is_not_embedded_again(driver: Driver) -> None:
    retriever = LlamaIndexRetriever(Neo4jGraph(driver, *DEMO), ThreeNumbers())
    nodes = retriever.retrieve(QueryBundle(QUESTION.text, embedding=[*QUESTION.embedding]))
    assert nodes[0].node.node_id == "정규화"
