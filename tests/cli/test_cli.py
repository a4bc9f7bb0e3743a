"""The verbs: what they print, where, and with which exit code."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.torn import set_aside
from tests.analytics.facts import answered, greeted
from tests.deliver.conftest import MLFLOW_WARNING
from tests.deliver.factories import hex_id, llm_call, turn_root
from tests.demo.conftest import bare_environment

__all__ = ["bare_environment"]

RUN = CliRunner()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "journal")
    journal.write(answered())
    journal.write(greeted(served_model="gpt-4o-2024-08-06"))
    return journal


@pytest.mark.parametrize(
    "verb",
    [
        [],
        ["demo"],
        ["ship"],
        ["report"],
        ["path"],
        ["path", "show"],
        ["path", "what-if"],
        ["concept"],
        ["concept", "add-resource"],
        ["recording"],
        ["recording", "export"],
        ["recording", "show"],
        ["recording", "verify"],
        ["replay"],
        ["run"],
    ],
)
def test_help_is_there_without_importing_what_only_the_work_needs(verb: list[str]) -> None:
    heavy = ["mlflow", "neo4j", "tiktoken", "genai_prices", "numpy", "langchain_core", "rich"]
    code = (
        "import sys; from examsgraph_callbacks.cli import app\n"
        f"try: app({[*verb, '--help']}, prog_name='examsgraph')\n"
        f"finally: print([name for name in {heavy} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert shown.stdout.startswith("Usage: examsgraph"), shown.stderr
    assert shown.stdout.splitlines()[-1] == "[]"
    assert "examsgraph " in shown.stdout[len("Usage: examsgraph") :], "expected an example"


def test_the_help_of_the_demo_names_every_variable_that_it_reads() -> None:
    shown = RUN.invoke(app, ["demo", "--help"]).output

    for variable in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "NEO4J_URI",
        "NEO4J_USERNAME",
        "NEO4J_PASSWORD",
        "MLFLOW_TRACKING_URI",
        "EXAMSGRAPH_JOURNAL",
    ):
        assert variable in shown


def test_the_version_is_told() -> None:
    shown = RUN.invoke(app, ["--version"])

    assert shown.exit_code == 0
    assert shown.output.startswith("examsgraph ")


def test_a_report_is_written_to_standard_output(journal: Journal) -> None:
    shown = RUN.invoke(app, ["report", "--journal", str(journal.path)])

    assert shown.exit_code == 0
    assert "$0.02" not in shown.stdout
    # 1500 x 2.50 + 800 x 10, and 15 x 2.50 + 30 x 10, of a million
    assert "$0.012088" in shown.stdout
    assert "1 misrouted call" in shown.stdout
    assert shown.stderr == ""


def test_the_journal_may_come_from_the_environment(
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_JOURNAL", str(journal.path))

    assert "2 LLM calls" in RUN.invoke(app, ["report"]).stdout


@pytest.mark.parametrize("told_by", ["options", "settings"])
def test_prices_and_policy_of_ones_own_change_the_report(
    told_by: str, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[[prices]]\nmodel = "gpt-4o*"\ninput = 2000\noutput = 8000\n'
        '[routing]\nsimple_greeting = ["gpt-4o"]\ncomplex_reasoning = ["gpt-4o"]\n',
    )
    options = []
    if told_by == "options":
        options = ["--prices", str(own), "--policy", str(own)]
    else:
        monkeypatch.setenv("EXAMSGRAPH_PRICES", str(own))
        monkeypatch.setenv("EXAMSGRAPH_POLICY", str(own))
    shown = RUN.invoke(app, ["report", "--journal", str(journal.path), *options]).stdout

    # 1500 x 2000 + 800 x 8000, and 15 x 2000 + 30 x 8000, of a million
    assert "$9.6700" in shown
    assert "misrouted call" not in shown


@pytest.mark.filterwarnings(MLFLOW_WARNING)
def test_prices_and_policy_of_ones_own_change_what_is_shipped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for fact in (llm_call(task_type="simple_greeting"), turn_root()):
        journal.write(fact)
    own = tmp_path / "own.toml"
    own.write_text(
        '[[prices]]\nmodel = "gpt-4o-mini*"\ninput = 2000\noutput = 8000\n'
        '[routing]\nsimple_greeting = ["gpt-4o"]\n',
    )
    options = [
        "--tracking-uri",
        f"sqlite:///{tmp_path}/mlflow.db",
        "--prices",
        str(own),
        "--policy",
        str(own),
    ]
    shown = RUN.invoke(app, ["ship", "--journal", str(journal.path), *options])

    assert shown.exit_code == 0, shown.output
    assert "1 traces" in shown.stdout
    trace = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").get_trace(f"tr-{hex_id('turn')}")
    # 15 x 2000 + 30 x 8000, of a million
    assert trace.data.spans[1].attributes["examsgraph.cost_usd"] == "0.27"
    assert trace.info.tags["misrouted"] == "true"


@pytest.mark.parametrize("option", ["--prices", "--policy"])
def test_a_file_that_cannot_be_read_ends_shipping_before_it_begins(
    option: str, journal: Journal, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.toml"
    shown = RUN.invoke(app, ["ship", "--journal", str(journal.path), option, str(missing)])

    assert (shown.exit_code, len(shown.stderr.splitlines())) == (1, 1)
    assert f"expected a TOML file at {missing}" in shown.stderr
    assert not (journal.path / "shipped").exists()


@pytest.mark.filterwarnings(MLFLOW_WARNING)
def test_what_was_set_aside_is_told_with_where_it_is(journal: Journal, tmp_path: Path) -> None:
    # its facts have ids that no trace can have
    options = ["--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db", "--flush"]
    shown = RUN.invoke(app, ["ship", "--journal", str(journal.path), *options])

    assert shown.exit_code == 0
    assert "2 facts could not be delivered" in shown.stderr
    assert str(journal.path / "shipped" / "dead_letters.jsonl") in shown.stderr


def test_an_empty_journal_is_told_in_one_line_with_exit_code_1(tmp_path: Path) -> None:
    shown = RUN.invoke(app, ["report", "--journal", str(tmp_path / "nothing")])

    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert len(shown.stderr.splitlines()) == 1
    assert "found none" in shown.stderr


def test_a_file_in_the_journals_place_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = RUN.invoke(app, ["report", "--journal", str(tmp_path / "file")])

    assert (shown.exit_code, len(shown.stderr.splitlines())) == (1, 1)
    assert "expected a directory" in shown.stderr


def test_a_setting_that_cannot_be_read_is_named(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_KRW_PER_USD", "천삼백")
    shown = RUN.invoke(app, ["report", "--journal", str(journal.path)])

    assert shown.exit_code == 1
    assert shown.stderr.startswith("EXAMSGRAPH_KRW_PER_USD: ")
    assert "천삼백" in shown.stderr


def test_an_mlflow_that_is_down_is_told_in_one_line_with_exit_code_1(journal: Journal) -> None:
    shown = RUN.invoke(app, ["ship", "--journal", str(journal.path), "--tracking-uri", "http://127.0.0.1:9"])

    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert len(shown.stderr.splitlines()) == 1
    assert "http://127.0.0.1:9" in shown.stderr


def test_the_status_is_told_to_people_and_to_programs(journal: Journal) -> None:
    options = ["ship", "--status", "--journal", str(journal.path), "--tracking-uri", "http://127.0.0.1:9"]
    RUN.invoke(app, [option for option in options if option != "--status"])
    shown = RUN.invoke(app, options)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0] == "http://127.0.0.1:9"
    assert "facts behind         2" in shown.stdout
    assert "last delivery        never" in shown.stdout
    assert "no answer came" in shown.stderr

    (status,) = json.loads(RUN.invoke(app, [*options, "--json"]).stdout)
    assert (status["facts_behind"], status["delivered_at"], status["shipping"]) == (2, None, False)
    assert "no answer came" in status["error"]


def test_the_status_tells_what_a_crash_cut_short(journal: Journal) -> None:
    options = ["ship", "--status", "--journal", str(journal.path), "--tracking-uri", "http://127.0.0.1:9"]
    assert "cut short" not in RUN.invoke(app, options).stderr
    journal.close()
    (segment,) = journal.segments()
    whole = segment.stat().st_size
    with segment.open("ab") as file:
        file.write(b'{"kind":"trace","name":"\xec\xa0\x95')
    assert set_aside(segment, whole)
    told = " ".join(RUN.invoke(app, options).stderr.split())
    assert "1 torn line, cut short when a process was killed" in told
    assert "*.torn" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_following_ends_when_it_is_told_to_with_exit_code_0(number: signal.Signals, journal: Journal) -> None:
    command = [sys.executable, "-m", "examsgraph_callbacks", "ship", "--follow"]
    options = ["--journal", str(journal.path), "--tracking-uri", "http://127.0.0.1:9"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as following:
        assert following.stderr is not None
        # it is told once, and the tries go on
        assert "no answer came" in following.stderr.readline()
        following.send_signal(number)
        assert following.communicate()[1] == ""
    assert following.returncode == 0
