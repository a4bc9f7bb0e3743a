"""The status of shipping tells what is behind and why, and changes nothing."""

from datetime import datetime, timedelta

import pytest

from examsgraph_callbacks.deliver import ship, shipping_status
from examsgraph_callbacks.errors import DeliveryError
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import BEGAN, NOBODY, small_turn, write


def test_status_tells_what_is_behind_and_why(journal: Journal, sqlite_uri: str) -> None:
    (never,) = shipping_status(journal, sqlite_uri)
    assert (never.facts_behind, never.oldest_undelivered_seconds, never.delivered_at) == (0, None, None)

    write(journal, "first")
    now = BEGAN + timedelta(seconds=100)
    (behind,) = shipping_status(journal, sqlite_uri, now=now)
    assert (behind.facts_behind, behind.facts_waiting, behind.shipping) == (3, 0, False)
    assert behind.bytes_behind == journal.segments()[0].stat().st_size
    assert behind.oldest_undelivered_seconds == pytest.approx(100 - 1.450123)

    *children, _root = small_turn("waits")
    for fact in children:
        journal.write(fact)
    ship(journal, sqlite_uri, now=now)
    (shipped,) = shipping_status(journal, sqlite_uri, now=now)
    assert (shipped.facts_behind, shipped.facts_waiting, shipped.bytes_behind) == (2, 2, 0)
    assert isinstance(shipped.delivered_at, datetime)
    assert shipped.error is None

    with pytest.raises(DeliveryError):
        ship(journal, NOBODY)
    configured, other = shipping_status(journal, NOBODY, now=now)
    assert (configured.tracking_uri, configured.facts_behind, configured.delivered_at) == (NOBODY, 5, None)
    assert "no answer came" in str(configured.error)
    assert other == shipped


def test_status_counts_dead_letters_of_its_destination_only(journal: Journal, sqlite_uri: str) -> None:
    odd = small_turn("turn")[-1].model_copy(update={"run_id": "not-an-id", "trace_id": "not-an-id"})
    journal.write(odd)
    ship(journal, sqlite_uri)

    own, other = shipping_status(journal, NOBODY)[::-1]
    assert (own.dead_letters, other.dead_letters) == (1, 0)


def test_status_changes_nothing(journal: Journal, sqlite_uri: str) -> None:
    write(journal, "turn")
    shipping_status(journal, sqlite_uri)
    assert [path.name for path in journal.path.iterdir()] == [path.name for path in journal.segments()]
