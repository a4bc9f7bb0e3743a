"""Retrievers on a real Neo4j, recorded by `examsgraph run` and played without it, not a line changed."""

from pathlib import Path

from examsgraph_callbacks import Journal
from examsgraph_callbacks.events import Exploration, Retrieval
from tests.replay.played import cut, the_same
from tests.run.conftest import RECORDED, Directory, directory
from tests.servers.neo4j_server import Neo4jServer
from tests.tap.graph import INDEX, LABEL, QUESTION

__all__ = ["directory"]

APPLICATION = (
    """
    import os
    import sys

    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from neo4j import GraphDatabase

    from examsgraph_callbacks.demo.embeddings import QuestionVectors
    from examsgraph_callbacks.demo.questions import load_questions
    from examsgraph_callbacks.langchain import GraphPathRetriever

    if "offline" in sys.argv:
        import socket

        def refuse(*address):
            raise SystemExit(f"a socket was to be connected: {address}")

        socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse

    driver = GraphDatabase.driver(os.environ["NEO4J_URI"], auth=("neo4j", os.environ["NEO4J_PASSWORD"]))
    CYPHER = "MATCH p = (:LABEL {name: $name})-[r]->(n) RETURN p, n.name AS name ORDER BY name LIMIT 3"


    class OurRetriever(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            with driver.session() as session:
                found = list(session.run(CYPHER, name=query))
            return [Document(record["name"], metadata={"concept": record["name"]}) for record in found]


    ours = OurRetriever().invoke("정규화")
    vectors = QuestionVectors(load_questions())
    walk = GraphPathRetriever.from_driver(driver, vectors, index_name="INDEX", label="LABEL")
    walked = walk.invoke(QUESTION)
    driver.close()
    print([document.page_content for document in ours], [document.metadata["path"] for document in walked])
""".replace("LABEL", LABEL)
    .replace("INDEX", INDEX)
    .replace("(QUESTION)", f"({QUESTION.text!r})")
)


def test_retrievers_on_neo4j_are_played_with_their_paths(directory: Directory, server: Neo4jServer) -> None:
    directory.write("app.py", APPLICATION)
    place = {"NEO4J_URI": server.uri, "NEO4J_PASSWORD": server.password}
    live = directory.run([*RECORDED, "app.py"], EXAMSGRAPH_DOCUMENT_LIMIT="1000000", **place)
    assert live.returncode == 0, live.stderr
    recorded = list(directory.journal.read())
    explorations = [fact for fact in recorded if isinstance(fact, Exploration)]
    assert {exploration.source for exploration in explorations} == {"tap", "explorer"}
    assert all(exploration.hops for exploration in explorations)

    recording = cut(directory.journal.path, directory.path / "graph.egrec.jsonl")
    command = [*RECORDED, "--replay", str(recording), "app.py", "offline"]
    nowhere = {"NEO4J_URI": "neo4j://127.0.0.1:9", "NEO4J_PASSWORD": "none"}
    again = directory.run(command, EXAMSGRAPH_DOCUMENT_LIMIT="1000000", **nowhere)
    assert (again.returncode, again.stdout) == (0, live.stdout), again.stderr
    replayed = list(Journal(Path(directory.path / ".examsgraph" / "replay")).read())
    assert len([fact for fact in replayed if isinstance(fact, Retrieval)]) == 2
    assert the_same(replayed) == the_same(recorded)
