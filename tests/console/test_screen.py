"""The screen: results go to one stream, progress and problems to the other."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from examsgraph_callbacks.console import Screen, ship_with_progress, show_report
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.analytics.facts import answered


def test_a_pipe_sees_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen().progress("Tutoring") as advance:
        advance(1, 2)
        advance(2)

    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_progress_beside_the_results() -> None:
    output, problems = StringIO(), StringIO()
    screen = Screen(Console(file=output), Console(file=problems, force_terminal=True, width=80))
    with screen.progress("Tutoring") as advance:
        advance(2, 2)

    assert output.getvalue() == ""
    assert "Tutoring" in problems.getvalue()
    assert "2/2" in problems.getvalue()


def test_a_command_stays_on_one_line_so_that_it_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    command = "mlflow ui --backend-store-uri sqlite:////home/학생/" + "very/" * 40 + "mlflow.db"
    Screen().command(command)

    assert capsys.readouterr().out == f"  {command}\n"


def test_problems_do_not_mix_with_results(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.say("결과")
    screen.warn("경고")
    screen.fail("오류")

    assert capsys.readouterr() == ("결과\n", "경고\n오류\n")


def test_the_journals_report_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(tmp_path / "journal")
    journal.write(answered())
    show_report(journal, Screen(), Meter())

    assert "1 LLM call\n" in capsys.readouterr().out


def test_an_empty_journal_is_said_to_be_empty(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "nothing")

    with pytest.raises(InvalidInputError, match=r"nothing, found none: .*examsgraph demo"):
        show_report(journal, Screen(), Meter())
    with pytest.raises(InvalidInputError, match="found none"):
        ship_with_progress(journal, Screen())
    assert not journal.path.exists()
