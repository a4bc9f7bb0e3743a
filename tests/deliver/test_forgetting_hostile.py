"""Forgetting between two deliveries doubles nothing of anybody else, whatever becomes of the checkpoint."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.deliver.checkpoint import FOLDER
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.learner import find_learner
from tests.deliver.factories import BEGAN, hex_id
from tests.deliver.readback import found, trace_of, traces_in
from tests.deliver.test_forgetting import EXPERIMENTS, forgotten, shipped, taught

LATER = BEGAN + timedelta(days=1)


def lose_checkpoint(journal: Journal) -> None:
    for file in (journal.path / FOLDER).glob("*.json"):
        file.unlink()


def tear_checkpoint(journal: Journal) -> None:
    for file in (journal.path / FOLDER).glob("*.json"):
        file.write_bytes(file.read_bytes()[:40])


def keep_checkpoint(_journal: Journal) -> None:
    """As it was."""


@pytest.mark.parametrize("becomes", [keep_checkpoint, lose_checkpoint, tear_checkpoint])
def test_whose_turn_was_half_there_is_delivered_whole_and_once(
    journal: Journal, sqlite_uri: str, becomes: Callable[[Journal], None]
) -> None:
    whole, theirs, other = taught("whole"), taught("theirs"), taught("other")
    # line by line in one segment; the roots of two turns, and what comes behind, are still to come
    mixed: list[Fact] = [fact for pair in zip(theirs[:3], other[:3], strict=True) for fact in pair]
    shipped(journal, sqlite_uri, whole, mixed)
    assert traces_in(sqlite_uri) == [hex_id("whole")]

    forgotten(journal, sqlite_uri, "theirs")
    becomes(journal)
    shipped(journal, sqlite_uri, other[3:])
    for _ in range(2):
        ship(journal, sqlite_uri, now=LATER)

    assert traces_in(sqlite_uri) == sorted([hex_id("whole"), hex_id("other")])
    alone = len(trace_of(sqlite_uri, "whole").data.spans)
    assert len(trace_of(sqlite_uri, "other").data.spans) == alone
    counts = {experiment: len(found(sqlite_uri, experiment)) for experiment in EXPERIMENTS}
    assert counts == {
        "GraphRAG_Path_Tracing": 2,
        "User_Feedback": 2,
        "Prompt_Experimentation": counts["Prompt_Experimentation"],
    }
    assert counts["Prompt_Experimentation"] % 2 == 0


def test_whoever_forgets_the_journal_alone_lets_the_rest_arrive_once(
    journal: Journal, sqlite_uri: str
) -> None:
    theirs, other = taught("theirs"), taught("other")
    shipped(journal, sqlite_uri, [fact for pair in zip(theirs[:3], other[:3], strict=True) for fact in pair])
    forget(journal, find_learner(journal.read, ["theirs"]))
    shipped(journal, sqlite_uri, other[3:])
    ship(journal, sqlite_uri, now=LATER)
    assert traces_in(sqlite_uri) == [hex_id("other")]
    assert len(found(sqlite_uri, "GraphRAG_Path_Tracing")) == 1
    assert len(found(sqlite_uri, "User_Feedback")) == 1
