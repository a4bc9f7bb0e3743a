"""`examsgraph recording` and `examsgraph replay`: what they print, where, and with which exit code."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.console import Screen
from examsgraph_callbacks.demo.run import record_lesson
from examsgraph_callbacks.events import LLMCall, Trace
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.deliver.conftest import MLFLOW_WARNING, empty_database, sqlite_uri
from tests.demo.conftest import bare_environment
from tests.replay.facts import asked

__all__ = ["bare_environment", "empty_database", "sqlite_uri"]

RUN = CliRunner()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """What the demonstration records."""
    journal = Journal(tmp_path_factory.mktemp("demo") / "journal")
    record_lesson(journal, Screen(), pace=0)
    return journal


@pytest.fixture(scope="module")
def recording(journal: Journal) -> Path:
    path = journal.path.parent / "lesson.egrec.jsonl.gz"
    said("recording", "export", str(journal.path), "-o", str(path))
    return path


def said(*arguments: str, exit_code: int = 0) -> str:
    result = RUN.invoke(app, list(arguments))
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    return result.stderr if exit_code else result.stdout


def test_a_turn_is_cut_out_with_its_feedback(journal: Journal, tmp_path: Path) -> None:
    turn = next(fact for fact in journal.read() if isinstance(fact, Trace) and fact.wrong_concept == "정규화")
    path = tmp_path / "turn.egrec.jsonl"
    assert turn.trace_id is not None
    told = said("recording", "export", str(journal.path), "--trace", turn.trace_id[:12], "-o", str(path))
    assert told.startswith("wrote 5 facts and 2 shared texts, ")
    shown = said("recording", "show", str(path))
    assert "1 exploration, 1 feedback, 1 llm_call, 1 retrieval, 1 trace" in shown
    assert "models gpt-4o (1)" in shown
    assert turn.trace_id in shown


def test_what_began_at_another_time_is_not_in_it(journal: Journal, tmp_path: Path) -> None:
    path = str(tmp_path / "none.egrec.jsonl")
    told = said("recording", "export", str(journal.path), "--until", "2020-01-01", "-o", path, exit_code=1)
    assert told == "expected facts to record, found none: is it the right journal, and trace?\n"
    told = said("recording", "export", str(journal.path), "--since", "today", "-o", path, exit_code=1)
    assert told.startswith("expected a date or time such as 2026-01-15")
    told = said("recording", "export", str(tmp_path / "nowhere"), "-o", path, exit_code=1)
    assert "found nothing: name another, or set EXAMSGRAPH_JOURNAL" in told
    assert not Path(path).exists()


def test_a_recording_of_the_demo_verifies(recording: Path) -> None:
    told = said("recording", "verify", str(recording))
    assert told == "lesson.egrec.jsonl.gz: 202 facts of schema 1.3, hashes right, no secret found\n"


def test_a_journal_verifies_too_and_one_with_a_secret_does_not(journal: Journal, tmp_path: Path) -> None:
    assert "202 facts of schema 1.3, no secret found" in said("recording", "verify", str(journal.path))
    leaking = Journal(tmp_path / "leaking")
    leaking.write(asked("제 번호는 010-1234-5678입니다"))
    told = said("recording", "verify", str(leaking.path), exit_code=1)
    assert "request.messages[1].content holds a secret: '제 번호는 [PHONE]입니다'" in told
    assert "found 0 flaws and 1 secret" in told
    assert "1234-5678" not in told


def test_a_damaged_recording_is_shown_as_far_as_it_goes_and_does_not_verify(
    recording: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.egrec.jsonl.gz"
    damaged.write_bytes(recording.read_bytes()[: recording.stat().st_size // 2])
    assert "llm_call" in said("recording", "show", str(damaged))
    told = said("recording", "verify", str(damaged), exit_code=1)
    assert "the compressed file is damaged or cut off" in told
    for verb in (["recording", "show"], ["recording", "verify"], ["replay"]):
        (tmp_path / "empty.egrec.jsonl").write_text("")
        assert "found an empty file" in said(*verb, str(tmp_path / "empty.egrec.jsonl"), exit_code=1)
        assert "found nothing" in said(*verb, str(tmp_path / "nowhere.egrec.jsonl"), exit_code=1)


def test_journal_and_recording_give_the_same_figures_to_the_last_byte(
    journal: Journal, recording: Path
) -> None:
    first = said("replay", str(journal.path), "--json", "--calls")
    assert said("replay", str(recording), "--json", "--calls") == first
    assert said("replay", str(recording), "--json", "--calls") == first
    *calls, totals = map(json.loads, first.splitlines())
    expected = [Meter().measure(fact) for fact in journal.read() if isinstance(fact, LLMCall)]
    assert [Decimal(call["cost_usd"]) for call in calls] == [measured.cost_usd for measured in expected]
    assert Decimal(totals["recorded"]["cost_usd"]) == sum(measured.cost_usd or 0 for measured in expected)
    assert totals["recorded"] == totals["then"]
    assert not totals["same_tokens_assumed"]


def test_another_model_is_said_to_be_an_assumption(recording: Path) -> None:
    told = said("replay", str(recording), "--model", "gpt-4o=gpt-4o-mini")
    assert "gpt-4o-2024-08-06 → gpt-4o-mini" in told
    assert "Same tokens assumed for 40 calls at another model" in told
    assert "38 calls misrouted" in told
    assert "100%  44 calls by reported usage" in told


def test_contract_prices_a_day_and_a_policy_are_taken_from_where_they_are_named(
    recording: Path, tmp_path: Path
) -> None:
    contract = tmp_path / "contract.toml"
    contract.write_text(
        '[[prices]]\nmodel = "gpt-4o*"\ninput = 0\noutput = 1000000\n'
        '[routing]\ncomplex_reasoning = ["gpt-4o-mini"]\n',
        encoding="utf-8",
    )
    options = ["--prices", str(contract), "--route-policy", str(contract), "--as-of", "2025-01-01", "--json"]
    then = json.loads(said("replay", str(recording), *options))["then"]
    # a dollar a token written
    assert Decimal(then["cost_usd"]) == then["output_tokens"]
    assert then["misrouted_calls"] == 38
    assert then["price_versions"] == ["override"]


def test_bounds_are_tried_on_the_recorded_paths(recording: Path) -> None:
    told = said("replay", str(recording), "--similarity-threshold", "0.8")
    assert "38 explorations: 38 (100%) can be said exactly" in told
    assert "hops followed" in told
    assert json.loads(said("replay", str(recording), "--depth", "1", "--json"))["explorations"] == 38


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--model", "gpt-4o"], "expected --model as gpt-4o=gpt-4o-mini, got 'gpt-4o'"),
        (["--as-of", "tomorrow"], "expected a day such as 2026-07-01, got 'tomorrow'"),
        (["--to-mlflow", "sqlite:///x.db", "--model", "a=b"], "leave --model, --as-of and bounds out"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(recording: Path, options: list[str], told: str) -> None:
    assert told in said("replay", str(recording), *options, exit_code=1)


@pytest.mark.filterwarnings(MLFLOW_WARNING)
def test_a_fresh_mlflow_is_filled_with_the_recorded_times(
    journal: Journal, recording: Path, sqlite_uri: str
) -> None:
    told = said("replay", str(recording), "--to-mlflow", sqlite_uri)
    assert "44" in told
    client = MlflowClient(tracking_uri=sqlite_uri)
    experiment = client.get_experiment_by_name("ExamsGraph")
    assert experiment is not None
    traces = client.search_traces([experiment.experiment_id], max_results=100)
    recorded = {
        fact.trace_id: round(fact.started_at.timestamp() * 1000)
        for fact in journal.read()
        if isinstance(fact, Trace)
    }
    filled = {trace.info.trace_id.removeprefix("tr-"): trace.info.request_time for trace in traces}
    assert filled.keys() == recorded.keys()
    assert all(abs(filled[name] - recorded[name]) <= 1 for name in filled)
