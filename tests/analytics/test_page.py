"""The overview as a page, as JSON, and of a part of the journal, from the command line."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.journal import Journal
from tests.analytics.facts import answered, document_path, explored, feedback, greeted
from tests.measure.facts import NEW_YEAR


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv("EXAMSGRAPH_SHIP", "off")
    made = Journal(tmp_path / "journal")
    for fact in (
        explored(*document_path(), wrong_concept="정규화", user_id="user_001"),
        answered(trace_id="t", prompt_variant="v1_strict"),
        greeted(served_model="gpt-4o-2024-08-06", user_id="user_002"),
        feedback(seconds=5, user_id="user_001", understanding_score=2, event_id="1"),
        feedback(concept="<script>조인</script>", started_at=NEW_YEAR + timedelta(days=40), event_id="2"),
    ):
        made.write(fact)
    made.close()
    return made


def run(journal: Journal, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["report", "--journal", str(journal.path), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_page_holds_every_answer_and_loads_nothing(journal: Journal, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert str(page) in run(journal, "--html", str(page)).replace("\n", "")
    content = page.read_text(encoding="utf-8")
    for told in ("정규화", "gpt-4o-2024-08-06", "complex_reasoning", "v1_strict", "₩10,000", "관련"):
        assert told in content
    assert "<script" not in content, "a concept's name is text"
    assert "&lt;script&gt;조인" in content
    assert not re.findall(r"(?:src|href|url)\s*[=(]", content)
    assert "http" not in content


def test_the_json_is_every_answer(journal: Journal) -> None:
    overview = json.loads(run(journal, "--json"))
    assert overview["margin"]["verdict"] == "sustainable"
    assert overview["top_failed_concepts"]["concepts"][0]["failure_count"] == 1
    assert [route["misroutes"] for route in overview["routing"]["routes"]] == [0, 1]
    assert overview["path_quality"]["explorations"] == 1


def test_it_can_be_narrowed_as_page_and_in_the_terminal(journal: Journal) -> None:
    january = json.loads(run(journal, "--json", "--until", "2025-02-01"))
    assert [each["concept"] for each in january["top_failed_concepts"]["concepts"]] == ["정규화"]
    of_one = json.loads(run(journal, "--json", "--user", "user_002"))
    assert (of_one["average_cost"]["calls"], of_one["user_id"]) == (1, "user_002")

    assert "2 LLM calls" in run(journal)
    assert "1 LLM call," not in run(journal, "--since", "2025-02-01")
    assert run(journal, "--user", "user_002").startswith("1 LLM call")
    about = run(journal, "--concept", "정규화")
    assert "1 graph exploration, 1 learner reaction" in about
    assert "조인" not in about


def test_where_nothing_is_found_it_says_what_was_asked_for(journal: Journal) -> None:
    done = CliRunner().invoke(app, ["report", "--journal", str(journal.path), "--user", "nobody"])
    assert done.exit_code == 1
    assert "user nobody" in done.output.replace("\n", " ")
