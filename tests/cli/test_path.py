"""`examsgraph path`: one exploration shown and drawn, and what other bounds would have made of it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.console import Screen
from examsgraph_callbacks.demo.run import record_lesson
from examsgraph_callbacks.journal import Journal
from tests.demo.conftest import bare_environment

__all__ = ["bare_environment"]

RUN = CliRunner()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """What the demonstration records, whose retriever walks the demo graph."""
    journal = Journal(tmp_path_factory.mktemp("demo") / "journal")
    record_lesson(journal, Screen(), pace=0)
    return journal


def shown(journal: Journal, *arguments: str, exit_code: int = 0) -> str:
    result = RUN.invoke(app, ["path", *arguments, "--journal", str(journal.path)])
    assert result.exit_code == exit_code, result.output
    return result.stderr if exit_code else result.stdout


def test_the_documents_path_comes_out_of_the_demo_graph_with_its_last_hop_flagged(journal: Journal) -> None:
    text = shown(journal, "show", "--question", "q_001")

    assert "similarity_threshold 0.7," in text
    assert (
        "정규화 → 제1정규형 (0.80)\n"
        "        → 이상현상 (0.72)\n"
        "        → SQL 문법 (0.72) ⚠️ strange path found!\n"
        "SQL 문법 drifts from 이상현상 (edge 0.67, question 0.72, threshold 0.70)\n"
    ) in text
    assert "3 hops followed, 3 deep, the lowest score 0.72" in text


def test_what_was_not_followed_is_shown_where_it_is_asked_for(journal: Journal) -> None:
    without = shown(journal, "show", "--question", "q_001")
    assert "17 hops looked at and not followed: --rejected shows them" in without
    assert "below threshold" not in without

    rejected = shown(journal, "show", "--question", "q_001", "--rejected")
    (line,) = [line for line in rejected.splitlines() if line.startswith("정규화") and "반정규화" in line]
    assert line.split() == ["정규화", "반대", "→", "반정규화", "1", "0.78", "0.82", "beam"]


def test_an_exploration_is_named_by_the_beginning_of_its_id(journal: Journal) -> None:
    event_id = json.loads(shown(journal, "show", "--last", "--json"))["event_id"]
    assert shown(journal, "show", event_id[:10]) == shown(journal, "show", "--last")
    assert f"event_id {event_id}" in shown(journal, "show", event_id)


def test_the_json_is_the_artifact_in_plain_korean(journal: Journal) -> None:
    text = shown(journal, "show", "--question", "q_001", "--json")
    artifact = json.loads(text)
    assert list(artifact)[:3] == ["question_id", "wrong_concept", "graph_path"]
    assert [hop["next_node"] for hop in artifact["graph_path"]] == ["제1정규형", "이상현상", "SQL 문법"]
    assert "이상현상" in text


def test_the_pictures_are_written_where_one_says(journal: Journal, tmp_path: Path) -> None:
    svg, html = tmp_path / "경로.svg", tmp_path / "경로.html"
    text = shown(journal, "show", "--question", "q_001", "--svg", str(svg), "--html", str(html))
    assert f"wrote {svg}\nwrote {html}\n" in text
    assert "SQL 문법" in {element.text for element in ET.fromstring(svg.read_text("utf-8")).iter()}
    assert html.read_text("utf-8").startswith("<!doctype html>")


def test_what_if_shows_before_and_after_and_that_it_is_exact(journal: Journal) -> None:
    text = shown(journal, "what-if", "--question", "q_001", "--similarity-threshold", "0.72")
    assert "similarity_threshold 0.7 → 0.72" in text
    assert text[text.index("then") :].startswith("then\n정규화 → 제1정규형 (0.80)\n\n")
    assert "2 cut: 제1정규형 → 이상현상 (0.72), 이상현상 → SQL 문법 (0.72)\nnone added\n" in text
    assert text.endswith("Exact: a new run would come to the same.\n")


def test_where_only_a_new_run_would_tell_it_says_which_concepts_it_would_look_at(journal: Journal) -> None:
    options = ["--question", "q_001", "--beam-width", "2"]
    text = shown(journal, "what-if", *options)
    assert "1 added: 정규화 → 반정규화 (0.78)" in text
    assert text.endswith("Not exact: the relations of 반정규화 were not looked at: explore anew.\n")

    answer = json.loads(shown(journal, "what-if", *options, "--json"))
    assert (answer["is_exact"], answer["new_run_for"]) == (False, ["반정규화"])
    assert answer["retrieval_params"]["beam_width"] == 2


def test_what_if_sums_a_whole_journal_up(journal: Journal) -> None:
    text = shown(journal, "what-if", "--similarity-threshold", "0.8")
    assert text.startswith(
        "With similarity_threshold 0.8\n38 explorations: 38 (100%) can be said exactly, 34"
    )
    rows = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert rows["hops followed"][-2:] == ["78", "12"]
    assert rows["strange hops"][-4:] == ["6", "(8%)", "0", "(0%)"]
    assert rows["context tokens"][-2].startswith("~"), "estimates are marked"

    report = json.loads(shown(journal, "what-if", "--similarity-threshold", "0.8", "--json"))
    assert (report["explorations"], report["exact"], report["cut"], report["added"]) == (38, 38, 66, 0)
    assert report["context_after"]["tokens"] < report["context_before"]["tokens"]


def test_what_if_tells_how_often_a_new_run_is_needed(journal: Journal) -> None:
    text = shown(journal, "what-if", "--similarity-threshold", "0.65", "--depth", "4")
    assert "38 explorations: 15 (39%) can be said exactly" in text
    assert "23 need a new run\n  to look at " in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show"], "name its event_id, or pass --last or --question q_001"),
        (["show", "zz"], "event_id 'zz', found none among 38"),
        (["show", "--last", "--question", "q_001"], "expected one way to name an exploration, got two"),
        (["show", "--last", "--svg", "/no/such/folder/path.svg"], "expected a file that can be written"),
        (["what-if"], "expected a bound to change, got none"),
        (["what-if", "--similarity-threshold", "8"], "similarity_threshold from 0 to 1"),
        (["what-if", "--last", "--depth", "0"], "depth to be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(journal: Journal, arguments: list[str], told: str) -> None:
    errors = shown(journal, *arguments, exit_code=1)
    assert told in errors
    assert len(errors.splitlines()) == 1


def test_an_empty_journal_is_told_in_one_line(tmp_path: Path) -> None:
    empty = Journal(tmp_path / "nothing")
    for arguments in (["show", "--last"], ["what-if", "--depth", "2"]):
        assert "found none" in shown(empty, *arguments, exit_code=1)
