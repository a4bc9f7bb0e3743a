"""The driver is left as it was: nothing of it is kept, and no failure of ours is a query's."""

import gc
import weakref
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import neo4j
import pytest
from neo4j import Driver, Result

from examsgraph_callbacks import Journal
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.failures import FailureLog
from examsgraph_callbacks.graph.tap import record_paths
from examsgraph_callbacks.graph.tap.driver import listen_to_the_driver
from tests.tap.graph import HOPS, QUERY, VECTOR, by_session, explored, names


class TestNothingIsKept:
    def test_of_the_drivers_objects(self, driver: Driver, journal: Journal) -> None:
        with record_paths(journal=journal), driver.session() as session:
            result = session.run(QUERY, query_vector=VECTOR)
            nodes = [weakref.ref(record["path"].end_node) for record in result]
            gc.collect()
            # the result itself keeps its graph
            del result
            session.run("RETURN 1").consume()
            gc.collect()
            assert {node() for node in nodes} == {None}
        assert len(names(journal)) == HOPS

    def test_beyond_500_relations(self, driver: Driver, journal: Journal) -> None:
        with record_paths(journal=journal, lookup=False):
            driver.execute_query(
                "UNWIND range(1, 600) AS number OPTIONAL MATCH ()-[r:NoSuchType]->() "
                "RETURN [toString(number), coalesce(type(r), '다음'), toString(number + 1)] AS triplet",
            )
        exploration = explored(journal)
        assert len(exploration.hops) == 500
        assert exploration.uncaptured == (
            "There were more than 500 relations: those that came later are left out.",
            "No query had a vector among its parameters: no hop has a similarity_score.",
        )

    def test_by_a_result_that_outlives_its_run(self, driver: Driver, journal: Journal) -> None:
        with driver.session() as session:
            with record_paths(journal=journal):
                result = session.run(QUERY, query_vector=VECTOR)
            assert len(list(result)) == HOPS
        assert explored(journal).hops == ()


class TestWhereNobodyListens:
    CLASSES = (
        neo4j.Session,
        neo4j.Transaction,
        neo4j.ManagedTransaction,
        neo4j.AsyncSession,
        neo4j.AsyncTransaction,
        neo4j.AsyncManagedTransaction,
        neo4j.Driver,
        neo4j.AsyncDriver,
        neo4j.Result,
        neo4j.AsyncResult,
    )

    def test_the_drivers_classes_are_as_they_were(self) -> None:
        gc.collect()
        before = [dict(vars(owner)) for owner in self.CLASSES]
        stops = [listen_to_the_driver(), listen_to_the_driver()]
        assert [dict(vars(owner)) for owner in self.CLASSES] != before
        stops.pop()()
        assert [dict(vars(owner)) for owner in self.CLASSES] != before, "one listens still"
        stop = stops.pop()
        stop()
        stop()
        assert [dict(vars(owner)) for owner in self.CLASSES] == before

    def test_what_somebody_else_has_put_around_since_stays_and_works(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gc.collect()
        monkeypatch.setattr(neo4j.Session, "run", neo4j.Session.run)
        heard: list[str] = []
        with record_paths(journal=journal):
            ours = neo4j.Session.run

            def theirs(session: neo4j.Session, query: Any, *args: Any, **kwargs: Any) -> Result:
                heard.append(str(query))
                return ours(session, query, *args, **kwargs)

            neo4j.Session.run = theirs  # type: ignore[assignment,method-assign]
        with driver.session() as session:
            assert session.run("RETURN 1").single(strict=True)[0] == 1
        with record_paths(journal=journal):
            by_session(driver, list)
        assert heard == ["RETURN 1", QUERY]
        assert len(names(journal)) == HOPS, "not heard twice, nor given up"

    def test_a_query_outside_of_a_run_is_not_heard(self, driver: Driver, journal: Journal) -> None:
        with record_paths(journal=journal):
            pass
        stop = listen_to_the_driver()
        with driver.session() as session:
            result = session.run(QUERY, query_vector=VECTOR)
            assert not [name for name in vars(result) if "examsgraph" in name]
            assert len(list(result)) == HOPS
        stop()


def test_a_block_may_be_left_in_another_context(driver: Driver, journal: Journal) -> None:
    paths = record_paths(journal=journal)
    copy_context().run(paths.__enter__)
    assert len(by_session(driver, list)) == HOPS
    paths.__exit__(None, None, None)
    assert [fact.kind for fact in journal.read()] == ["retrieval", "trace"]


def test_a_generator_function_is_refused_as_it_is_not_done_when_it_returns(journal: Journal) -> None:
    def stream() -> Iterator[str]:
        yield "정규화"

    with pytest.raises(InvalidInputError, match="the generator function stream: write  with record_paths"):
        record_paths(stream, journal=journal)


class TestWhatFailsOfOurs:
    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> FailureLog:
        told = FailureLog()
        for module in ("driver", "results", "heard_run"):
            monkeypatch.setattr(f"examsgraph_callbacks.graph.tap.{module}.failures", told)
        return told

    def fail(self, *_args: object, **_more: object) -> None:
        raise RuntimeError("a bug of ours")

    def test_reading_records_leaves_the_records_alone(
        self, driver: Driver, journal: Journal, told: FailureLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.records.RecordReader.read", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert told.counts() == {"reading a retriever's records": 1}
        assert "Some of the records could not be read: the log of failures has the reason." in (
            explored(journal).uncaptured
        )

    def test_reading_the_query_leaves_the_query_alone(
        self, driver: Driver, journal: Journal, told: FailureLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.hearing.Hearing.asked", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert told.counts() == {"reading a retriever's query": 1}

    def test_beginning_a_run_leaves_the_run_alone(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = FailureLog()
        monkeypatch.setattr("examsgraph_callbacks.capture.guard.failures", told)
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.own_run.OwnRun.begin", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert sum(told.counts().values()) == 1

    def test_making_the_exploration_leaves_the_run_alone(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = FailureLog()
        monkeypatch.setattr("examsgraph_callbacks.capture.guard.failures", told)
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.heard_run.exploration_of", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert sum(told.counts().values()) == 1
        assert [fact.kind for fact in journal.read()] == ["retrieval", "trace"]
