"""What the driver brought without embeddings: one lookup more tells it, on either driver."""

import pytest
from neo4j import AsyncDriver, Driver

from examsgraph_callbacks import Journal
from examsgraph_callbacks.failures import FailureLog
from examsgraph_callbacks.graph.tap import record_paths
from tests.tap.graph import HOPS, LABEL, VECTOR, assert_true_hops, explored


class TestWhatComesWithoutEmbeddings:
    """One lookup more tells it, on either driver."""

    RELATIONS = f"MATCH (:{LABEL} {{name: '정규화'}})-[r]->() WHERE $query_vector IS NOT NULL RETURN r"

    def test_relationships_without_their_nodes_get_names_and_scores(
        self, driver: Driver, journal: Journal
    ) -> None:
        with record_paths(journal=journal):
            driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        exploration = explored(journal)
        assert len(exploration.hops) == HOPS
        assert_true_hops(exploration, VECTOR)
        assert exploration.round_trips == 1, "the lookup is ours, and not counted"

    async def test_of_an_asynchronous_driver_too(self, async_driver: AsyncDriver, journal: Journal) -> None:
        async with record_paths(journal=journal):
            await async_driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        exploration = explored(journal)
        assert len(exploration.hops) == HOPS
        assert_true_hops(exploration, VECTOR)

    async def test_of_a_blocking_driver_in_asynchronous_code(self, driver: Driver, journal: Journal) -> None:
        async with record_paths(journal=journal):
            driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        assert_true_hops(explored(journal), VECTOR)

    async def test_of_an_asynchronous_driver_in_a_plain_block_it_says_why_not(
        self, async_driver: AsyncDriver, journal: Journal
    ) -> None:
        with record_paths(journal=journal):
            await async_driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        exploration = explored(journal)
        assert exploration.hops == ()
        assert any("the driver is asynchronous" in sentence for sentence in exploration.uncaptured)

    def test_the_lookup_reads_only_and_leaves_no_element_id_behind(
        self, driver: Driver, journal: Journal
    ) -> None:
        with record_paths(journal=journal):
            records = driver.execute_query(self.RELATIONS, query_vector=VECTOR).records
        (segment,) = journal.segments()
        written = segment.read_text(encoding="utf-8")
        assert all(record["r"].element_id not in written for record in records)
        assert all(record["r"].start_node.element_id not in written for record in records)

    def test_a_lookup_that_fails_is_said_and_changes_nothing(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "examsgraph_callbacks.graph.tap.lookup_statements._by_element_id", lambda: "RETURN 1 / 0"
        )
        told = FailureLog()
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.heard_run.failures", told)
        with record_paths(journal=journal):
            records = driver.execute_query(self.RELATIONS, query_vector=VECTOR).records
        assert len(records) == HOPS
        assert told.counts() == {"looking nodes up": 1}
        said = explored(journal).uncaptured
        assert "Scores were not looked up: the database refused (ClientError)." in said
        assert f"No name is known for an end of {HOPS} relations: left out." in said
