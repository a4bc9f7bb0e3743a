"""`examsgraph experiment` as a person uses it: run, run again, score, report, plan."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.events import PromptComparison, PromptScore
from examsgraph_callbacks.journal import Journal
from tests.experiments.classes import BEGAN, plan, taught
from tests.servers.judge_server import JudgeServer
from tests.servers.openai_server import Answer, LedgerServer
from tests.tracker.document import COMPARISON

THIRDS = dict.fromkeys(("v1_strict", "v2_friendly", "v3_encouraging"), 1 / 3)


def said(*arguments: object, fails: bool = False) -> str:
    result = CliRunner().invoke(app, ["experiment", *map(str, arguments)], env={"COLUMNS": "100"})
    assert (result.exit_code != 0) is fails, result.output
    return result.output


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_the_demos_tones_are_compared_with_nothing_set_up(place: Path) -> None:
    first = said("run", "--journal", place)
    assert "12 questions, each answered under 3 prompts" in first
    assert "v2_friendly" in first
    assert "Already there: 36 answers." in said("run", "--journal", place)


def test_a_file_of_ones_own_and_a_budget(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text(
        '[experiments.short.variants]\na = "당신은 엄격한 교수입니다."\nb = "당신은 친절한 코치입니다."\n',
        encoding="utf-8",
    )
    output = said("run", "short", "--file", file, "--budget", "0.0003", "--journal", place)
    assert "answers, since $0.000" in output
    assert "of $0.0003 is spent" in output
    assert "expected [experiments.tone]" in said("run", "tone", "--file", file, fails=True)


def test_given_answers_are_scored_by_hand(place: Path, tmp_path: Path) -> None:
    given = tmp_path / "answers.jsonl"
    given.write_text(json.dumps(COMPARISON, ensure_ascii=False) + "\n", encoding="utf-8")
    assert "1 comparison in" in said("run", "tone", "--given", given, "--journal", place)
    assert "v2_friendly has 4.5 for q_002" in said("score", "q_002", "v2_friendly", 4.5, "--journal", place)

    comparison, score = Journal(place).read()
    assert isinstance(comparison, PromptComparison)
    assert isinstance(score, PromptScore)
    assert (score.comparison_id, score.prompt_variant) == (comparison.event_id, "v2_friendly")
    assert (score.score, score.scorer) == (4.5, "person")
    unknown = said("score", "q_002", "v9", 4, "--journal", place, fails=True)
    assert "v1_strict, v2_friendly, v3_encouraging" in unknown
    assert "for example q_002" in said("score", "q_999", "v1_strict", 4, "--journal", place, fails=True)


def test_the_report_as_text_json_and_page(place: Path, tmp_path: Path) -> None:
    journal = Journal(place)
    learners = {"v1_strict": 400, "v2_friendly": 410, "v3_encouraging": 300}
    satisfied = {"v1_strict": 0.5, "v2_friendly": 0.7, "v3_encouraging": 0.6}
    for fact in [plan(THIRDS), *taught(learners, satisfied)]:
        journal.write(fact)
    page = tmp_path / "tone.html"
    asked = ("report", "tone", "--journal", place, "--as-of", (BEGAN + timedelta(days=28)).date())

    text = said(*asked, "--html", page)
    assert "v2_friendly is better than v1_strict: satisfaction +0.1" in text.replace("\n", " ")
    assert "v3_encouraging: no verdict" in text
    report = json.loads(said(*asked, "--json"))
    assert [each["verdict"] for each in report["comparisons"]] == ["better", "invalid"]
    assert report["last_day"] == "2026-03-28"
    html = page.read_text(encoding="utf-8")
    assert "v2_friendly is better than v1_strict" in html
    assert "<script" not in html
    assert "http" not in html


def test_the_plan_says_how_many_learners_it_takes() -> None:
    # 2 (z(0.0125) + z(0.8))² (0.4/0.05)² is 1,217 for one look, the daily looks add 4%
    assert "v1_strict                1,266 learners" in said("plan", "--deviation", 0.4)


def test_a_real_client_is_asked_by_its_models_name(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = tmp_path / "questions.jsonl"
    lines = [question.model_dump_json(exclude={"embedding"}) for question in load_questions()[:3]]
    questions.write_text("\n".join(lines), encoding="utf-8")
    model = ("--model", "openai:gpt-4o-mini", "--journal", place)
    with LedgerServer() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "a key")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        server.will(Answer(status=400))
        first = said("run", "tone", "--questions", questions, "--concurrency", 2, *model)
        assert "1 answer failed, the last with OpenAI" in first
        assert "2 questions, each answered under 3 prompts" in first
        assert "3 questions" in said("run", "tone", "--questions", questions, *model)
        assert len(server.requests) == 10
        assert sum(bill.input_tokens for bill in server.ledger) > 0


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
@pytest.mark.parametrize("model", ["openai:/gpt-4o", "openai:gpt-4o"])
def test_a_judge_is_named_as_mlflow_or_as_langchain_names_models(
    model: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "answers.jsonl"
    given.write_text(json.dumps(COMPARISON, ensure_ascii=False) + "\n", encoding="utf-8")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    with JudgeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        judged = said("run", "tone", "--given", given, "--judge", model, "--journal", place)
        again = said("judge", "tone", "--model", model, "--journal", place)
    assert len(server.requests) == 4
    assert f"By {model}, each pair judged twice with the places swapped" in judged
    assert (
        "v2_friendly     v1_strict      1     1       0     0      100%  21% to 100%            0%" in judged
    )
    assert "4 calls of the judge: $0.0058" in judged
    assert "What a model prefers is not what teaches" in judged
    assert "mlflow ui --backend-store-uri" in judged
    assert "Already there: 2 judgements." in again
    scores = [fact for fact in Journal(place).read() if isinstance(fact, PromptScore)]
    assert {(score.prompt_variant, score.score) for score in scores} == {
        ("v2_friendly", 1.0),
        ("v3_encouraging", 0.5),
    }


def test_a_judge_who_cannot_be_asked_is_one_line(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "answers.jsonl"
    given.write_text(json.dumps(COMPARISON, ensure_ascii=False) + "\n", encoding="utf-8")
    said("run", "tone", "--given", given, "--journal", place)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    told = said("judge", "tone", "--model", "openai:/gpt-4o", "--journal", place, fails=True)
    assert "expected openai:/gpt-4o to judge, it never did: MlflowException: OPENAI_API_KEY" in told
    told = said("judge", "nothing", "--model", "openai:/gpt-4o", "--journal", place, fails=True)
    assert "expected comparisons of 'nothing'" in told
