"""Whom the journal belongs to: its user, the user's group as the umask says, and never the world."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from examsgraph_callbacks.journal import Journal
from tests.journal.facts import llm_call

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these are POSIX permissions")


@pytest.fixture
def restored_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("umask", "of_the_directory", "of_a_segment"),
    [
        (0o022, 0o750, 0o640),  # the usual one: the group may read
        (0o007, 0o770, 0o660),  # of those who share: a shipper of the group may note how far it is
        (0o077, 0o700, 0o600),
        (0o000, 0o770, 0o660),  # of some containers
    ],
)
def test_the_umask_says_what_the_group_may_and_the_world_may_nothing(
    umask: int,
    of_the_directory: int,
    of_a_segment: int,
    tmp_path: Path,
    restored_umask: None,
) -> None:
    os.umask(umask)
    journal = Journal(tmp_path / "state" / "journal")
    journal.write(llm_call())
    (segment,) = journal.segments()
    assert (_mode(journal.path), _mode(segment)) == (of_the_directory, of_a_segment)


def test_a_directory_that_is_there_stays_as_it_was_set_up(tmp_path: Path, restored_umask: None) -> None:
    place = tmp_path / "journal"
    place.mkdir()
    place.chmod(0o2775)
    journal = Journal(place)
    journal.write(llm_call())
    assert _mode(place) == 0o2775
