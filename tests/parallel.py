"""Where the whole suite is run, workers share it; what asks for the same servers goes to one of them."""

import gc
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.neo4j_server import describe

MOST_WORKERS = 4  # each has processes of its own beside it, and takes most of a gigabyte
MLFLOW, POSTGRESQL = "an MLflow server", "PostgreSQL, and an MLflow server on it"
NEO4J, OTHER_GRAPHS = "Neo4j", "the latest Neo4j, and ArcadeDB"
RESTARTED, DASHBOARD = "a Neo4j that is restarted", "a dashboard of twelve days"

SERVERS = {
    "tests/deliver/test_compare_runs.py": MLFLOW,
    "tests/deliver/test_dead_letters.py::test_a_fact_stands_among_the_dead_letters_once_for_each": MLFLOW,
    "tests/deliver/test_faulty_servers.py": MLFLOW,
    "tests/deliver/test_judge_page.py": MLFLOW,
    "tests/deliver/test_shipper.py::test_two_destinations_do_not_disturb_each_other": MLFLOW,
    "tests/alerts/test_beside.py": MLFLOW,
    "tests/server/test_experiments.py::test_a_whole_experiment": MLFLOW,
    "tests/deliver/test_postgresql.py": POSTGRESQL,
    "tests/graph/test_failing_graph.py::test_a_server_that_restarts": RESTARTED,
    "tests/graph/": NEO4J,
    "tests/tap/": NEO4J,
    "tests/demo/test_concept_graph.py": NEO4J,
    "tests/examples/test_examples.py::test_a_neo4j_graphrag_retriever": NEO4J,
    "tests/examples/test_examples.py::test_the_same_tutor_walks_a_real_neo4j": NEO4J,
    "tests/langchain/test_retriever.py": NEO4J,
    "tests/llama_index/test_retriever.py": NEO4J,
    "tests/server/test_dashboard_for_everybody.py": DASHBOARD,
    "tests/server/test_dashboard_page.py": DASHBOARD,
    "tests/server/test_dashboard_speaks.py": DASHBOARD,
    "tests/server/test_dashboard_stays_true.py": DASHBOARD,
}
"""What the tests whose names begin so take minutes with: started once, and waited for first."""

DOORS = {
    "server": MLFLOW,
    "server on PostgreSQL": POSTGRESQL,
    "PostgreSQL": POSTGRESQL,
    "latest_neo4j_server": OTHER_GRAPHS,
    "arcadedb_server": OTHER_GRAPHS,
}
"""The same of what has one of these as a parameter, in these folders."""
WITH_DOORS = ("tests/deliver/", "tests/graph/")

LONG = (
    "tests/test_documents.py",
    "tests/counters/test_same_as_questions.py",
    "tests/background/",
    "tests/examples/",
    "tests/deploy/",
    "tests/deliver/",
    "tests/server/",
)
"""What starts processes of its own and no server that is shared: next, so that none of it is the last."""

_DOOR = re.compile(rf"[\[-]({'|'.join(DOORS)})[\]-]")
_told: set[str] = set()


def together(nodeid: str) -> str:
    """The name of what one worker runs from beginning to end: all tests of some servers, or a file."""
    door = _DOOR.search(nodeid) if nodeid.startswith(WITH_DOORS) else None
    if door is not None:
        return DOORS[door[1]]
    file = nodeid.split("::", maxsplit=1)[0]
    return next((server for place, server in SERVERS.items() if nodeid.startswith(place)), file)


def turn(nodeid: str) -> int:
    """When it is its turn: 0 for the servers that take minutes, 1 for what else is long, 2 for the rest."""
    scope = together(nodeid)
    if scope in {MLFLOW, POSTGRESQL, NEO4J, OTHER_GRAPHS, DASHBOARD}:
        return 0
    return 1 if scope == RESTARTED or nodeid.startswith(LONG) else 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than cores, as servers are waited for; none where only some is run, or timed or looked at."""
    everything = config.args_source is not pytest.Config.ArgsSource.ARGS
    as_always = config.option.markexpr == "not benchmark and not soak" and not config.option.keyword
    looked_at = config.option.capture == "no"
    return min((os.cpu_count() or 1) + 1, MOST_WORKERS) if everything and as_always and not looked_at else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Hands out what is run together, in the order of collection."""
    from xdist.scheduler import LoadScopeScheduling

    class ByServers(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False
    return ByServers(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """What a worker imports stays: to look through it for garbage, ever again, takes a third of the time."""
    if not hasattr(session.config, "workerinput"):
        yield
        return
    gc.disable()
    yield
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker waits for it at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: turn(item.nodeid))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells what only it knows."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["servers"] = describe()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker told."""
    _told.add(getattr(node, "workeroutput", {}).get("servers", "neo4j: a worker ended early"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which graph database this run talked to."""
    for line in sorted(_told or {describe()}, key=lambda line: "not used" in line)[:1]:
        terminalreporter.write_line(line)
