"""What was looked up is remembered for a minute: of one question, on one driver, in one name."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from neo4j import Driver, GraphDatabase, Session

from examsgraph_callbacks import Journal
from examsgraph_callbacks.graph.tap import record_paths
from examsgraph_callbacks.graph.tap.collected import NodeKey
from examsgraph_callbacks.graph.tap.hearing import Place
from examsgraph_callbacks.graph.tap.lookup_statements import Found, Wanted
from examsgraph_callbacks.graph.tap.remembered import Remembered
from tests.tap.graph import LABEL, QUESTION, assert_true_hops, explored

VECTOR = [*QUESTION.embedding]
WANTED = Wanted(("4:x:1",), (), {"4:x:1": ["4:x:2"]}, ("name",), VECTOR, ("MATCH (n) RETURN n",))
FOUND = Found({NodeKey("4:x:1", None): "정규화"})
DATABASE = {"database": "neo4j"}


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> int:
        return int(self.now * 1e9)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def opened() -> Iterator[Driver]:
    """A driver that is asked nothing."""
    with GraphDatabase.driver("bolt://127.0.0.1:1") as driver:
        yield driver


@pytest.fixture
def place(opened: Driver) -> Place:
    return Place.of(opened, DATABASE)


@pytest.fixture
def remembered(seconds: Seconds, place: Place) -> Remembered:
    kept = Remembered(seconds)
    kept.remember(place, WANTED, FOUND)
    return kept


def test_for_a_minute(remembered: Remembered, place: Place, seconds: Seconds) -> None:
    seconds.now += 59
    assert remembered.recall(place, replace(WANTED)) is FOUND
    seconds.now += 2
    assert remembered.recall(place, WANTED) is None


@pytest.mark.parametrize(
    "settings", [{"database": "other"}, {**DATABASE, "impersonated_user": "learner"}, {}], ids=str
)
def test_of_another_place_nothing(remembered: Remembered, opened: Driver, settings: dict[str, str]) -> None:
    assert remembered.recall(Place.of(opened, settings), WANTED) is None


def test_of_another_driver_nothing(remembered: Remembered) -> None:
    with GraphDatabase.driver("bolt://127.0.0.1:1") as other:
        assert remembered.recall(Place.of(other, DATABASE), WANTED) is None


def test_of_another_question_nothing(remembered: Remembered, place: Place) -> None:
    assert remembered.recall(place, replace(WANTED, query_vector=[0.5, *VECTOR[1:]])) is None
    assert remembered.recall(place, replace(WANTED, element_ids=("4:x:2",))) is None
    assert remembered.recall(place, replace(WANTED, next_keys={})) is None


def test_what_another_login_may_see_nobody_keeps(opened: Driver, seconds: Seconds) -> None:
    kept, place = Remembered(seconds), Place.of(opened, {"auth": ("learner", "secret")})
    kept.remember(place, WANTED, FOUND)
    assert kept.recall(place, WANTED) is None


def test_no_more_than_fits(remembered: Remembered, place: Place) -> None:
    for number in range(256):
        remembered.remember(place, replace(WANTED, by_name=(str(number),)), FOUND)
    assert remembered.recall(place, WANTED) is None, "the oldest goes first"
    assert remembered.recall(place, replace(WANTED, by_name=("0",))) is FOUND


def test_a_question_asked_again_puts_none_more_to_the_database(
    driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = f"MATCH (:{LABEL} {{name: '정규화'}})-[r]->() WHERE $query_vector IS NOT NULL RETURN r"
    asked: list[object] = []
    run = Session.run

    def counted(session: Session, statement: object, *args: object, **kwargs: object) -> object:
        asked.append(statement)
        return run(session, statement, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "run", counted)
    counts = []
    for number, vector in enumerate([VECTOR, VECTOR, [-x for x in VECTOR]]):
        own = Journal(journal.path / str(number))
        with record_paths(journal=own):
            driver.execute_query(query, query_vector=vector)
        assert_true_hops(explored(own), vector)
        counts.append(len(asked))
        asked.clear()
    assert counts == [2, 0, 1], "its indexes and the nodes; nothing; the nodes"
