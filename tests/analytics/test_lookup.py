"""One exploration, named as people name it."""

import pytest

from examsgraph_callbacks.analytics import find_exploration
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exploration
from tests.analytics.facts import answered, document_path, explored

FIRST = explored(*document_path(), event_id="aa11")
SECOND = explored(*document_path(), event_id="aa12", question_id="q_002")
THIRD = explored(event_id="bb", question_id="q_001")
FACTS = (FIRST, answered(), SECOND, THIRD)


@pytest.mark.parametrize(("named", "found"), [("aa11", FIRST), ("aa12", SECOND), ("b", THIRD), (None, THIRD)])
def test_it_is_found_by_its_id_or_how_that_begins_and_else_it_is_the_last(
    named: str | None, found: Exploration
) -> None:
    assert find_exploration(FACTS, named) is found


def test_of_a_question_it_is_the_last_one() -> None:
    assert find_exploration(FACTS, question_id="q_001") is THIRD
    assert find_exploration(FACTS, "aa", question_id="q_002") is SECOND


def test_a_whole_id_goes_before_one_that_only_begins_with_it() -> None:
    short = explored(event_id="aa1")
    assert find_exploration((FIRST, short, SECOND), "aa1") is short


def test_an_id_that_several_begin_with_is_not_guessed_at() -> None:
    with pytest.raises(InvalidInputError, match=r"begins with 'aa', found 2: name more of it \(aa11, aa12\)"):
        find_exploration(FACTS, "aa")


def test_one_that_is_not_there_is_told_with_one_that_is() -> None:
    with pytest.raises(InvalidInputError, match=r"event_id 'cc', found none among 3: .*bb \(the last one\)"):
        find_exploration(FACTS, "cc")
    with pytest.raises(InvalidInputError, match="question_id 'q_009'"):
        find_exploration(FACTS, question_id="q_009")


def test_a_journal_without_explorations_is_told_as_such() -> None:
    with pytest.raises(InvalidInputError, match=r"found none: attach .* examsgraph demo"):
        find_exploration((answered(),))
