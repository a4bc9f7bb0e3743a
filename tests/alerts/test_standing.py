"""Whoever only looks at the alerts sees how they stand, and changes nothing by that."""

from pathlib import Path

import pytest

from examsgraph_callbacks.alerts import alerts_mark, alerts_standing
from examsgraph_callbacks.alerts.state import state_file
from examsgraph_callbacks.errors import InvalidInputError
from tests.alerts.watching import Watching, not_understood


def test_of_a_journal_that_nobody_watched_there_is_nothing_and_nothing_is_made(tmp_path: Path) -> None:
    standing = alerts_standing(tmp_path)
    assert (standing.ever, standing.now, standing.incidents) == (False, False, [])
    assert alerts_mark(tmp_path) == "none"
    assert [*tmp_path.iterdir()] == []


def test_open_incidents_stand_first_and_the_mark_changes_with_them(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 10, "정규화")
    watching.round()
    marks = [alerts_mark(watching.journal.path)]
    (opened,) = alerts_standing(watching.journal.path).incidents
    assert (opened.subject, opened.resolved_at) == ("정규화", None)
    watching.pass_by(hours=26)
    not_understood(watching, 10, "BCNF")
    watching.round()
    watching.pass_by(hours=2)
    watching.round()
    marks.append(alerts_mark(watching.journal.path))
    standing = alerts_standing(watching.journal.path)
    assert [(each.subject, each.resolved_at is None) for each in standing.incidents] == [
        ("BCNF", True),
        ("정규화", False),
    ]
    assert standing.ever
    assert not standing.now
    assert len(set(marks)) == 2
    # all that are open are told, however few were asked for
    assert [each.subject for each in alerts_standing(watching.journal.path, 1).incidents] == ["BCNF"]


def test_state_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = state_file(tmp_path)
    file.parent.mkdir()
    file.write_bytes(b"no database at all, but something else of some length" * 100)
    with pytest.raises(InvalidInputError, match="expected to read what alerts know"):
        alerts_standing(tmp_path)
