"""Where deliveries go: found by default, opened quietly, refused clearly, and looked at with one command."""

import contextlib
import logging
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from examsgraph_callbacks.deliver import default_tracking_uri, ship, ui_command
from examsgraph_callbacks.deliver.destination import open_destination
from examsgraph_callbacks.errors import DeliveryError, InvalidInputError
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import full_turn
from tests.deliver.readback import runs_of, trace_of
from tests.servers.mlflow_server import running_mlflow


@pytest.fixture
def another_server() -> Iterator[tuple[str, dict[str, str]]]:
    """A web server that is no MLflow; its answers by path."""
    answers: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = answers.get(self.path, "").encode()
            self.send_response(200 if text else 404)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()
        thread.join()


def test_by_default_traces_go_to_a_database_beside_the_journal(tmp_path: Path) -> None:
    assert default_tracking_uri(tmp_path / "journal") == f"sqlite:///{tmp_path}/mlflow.db"


def test_mlflows_own_variable_decides_where_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert default_tracking_uri(tmp_path) == "http://mlflow:5000"


def test_the_one_command_opens_the_ui_on_traces_runs_and_artifacts(
    journal: Journal, sqlite_uri: str, tmp_path: Path
) -> None:
    for fact in full_turn():
        journal.write(fact)
    ship(journal, sqlite_uri)
    (run,) = runs_of(sqlite_uri, "turn")
    program, *arguments = shlex.split(ui_command(sqlite_uri))
    assert program == "mlflow"
    assert arguments[-2:] == ["--port", "5000"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    with running_mlflow([*arguments[:-2], "--workers", "1"], elsewhere) as uri:
        assert len(trace_of(uri, "turn").data.spans) == 10
        query = urllib.parse.urlencode(
            {"run_uuid": run.info.run_id, "path": "graph_exploration_path.json"},
        )
        with urllib.request.urlopen(f"{uri}/get-artifact?{query}") as answer:
            assert "이상현상" in answer.read().decode()


@pytest.mark.parametrize("uri", ["databricks", "databricks-uc://profile", "sqlite://", "sqlite:///:memory:"])
def test_what_cannot_be_delivered_to_is_refused_with_what_to_use_instead(uri: str) -> None:
    with (
        pytest.raises(InvalidInputError, match="use a server, a local folder, or a database such as sqlite"),
        open_destination(uri),
    ):
        pass


def test_a_local_folder_holds_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_destination("mlruns") as destination:
        destination.experiment_id("ExamsGraph")
    assert destination.uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert experiments_in(tmp_path / "mlruns" / "mlflow.db") == {"Default", "ExamsGraph"}
    assert f"sqlite:///{tmp_path}/mlruns/mlflow.db" in ui_command("mlruns")


@pytest.mark.parametrize("uri", ["./mlruns/", "file:mlruns", "file://{here}/mlruns", "{here}/mlruns"])
def test_however_a_local_folder_is_written_its_database_is_the_same(
    uri: str, empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    # made already: MLflow takes seconds to make one
    shutil.copy(empty_database, tmp_path / "mlruns" / "mlflow.db")
    with open_destination(uri.format(here=tmp_path)) as destination:
        destination.experiment_id("ExamsGraph")
    assert destination.uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert experiments_in(tmp_path / "mlruns" / "mlflow.db") == {"Default", "ExamsGraph"}
    assert f"sqlite:///{tmp_path}/mlruns/mlflow.db" in ui_command(uri.format(here=tmp_path))


def experiments_in(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        return {name for (name,) in opened.execute("SELECT name FROM experiments")}


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("sqlite:///{folder}/damaged.db", "file is not a database"),
        ("postgresql+nonesuch://localhost/mlflow", "nonesuch"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_clear_line(uri: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_text("no database " * 500)
    with pytest.raises(DeliveryError) as raised, open_destination(uri.format(folder=tmp_path)):
        pass
    assert "\n" not in str(raised.value)
    assert reason in str(raised.value)


def test_a_server_that_is_no_mlflow_is_told_apart(another_server: tuple[str, dict[str, str]]) -> None:
    uri, _answers = another_server
    with pytest.raises(DeliveryError, match="its /version answered HTTP 404"), open_destination(uri):
        pass


def test_a_server_too_old_for_traces_is_told(another_server: tuple[str, dict[str, str]]) -> None:
    uri, answers = another_server
    answers["/version"] = "2.22.0"
    with (
        pytest.raises(DeliveryError, match=r"version 3\.15 or newer .* answered HTTP 200: '2\.22\.0'"),
        open_destination(uri),
    ):
        pass


def test_a_server_that_answers_with_errors_is_one_clear_line(
    journal: Journal, another_server: tuple[str, dict[str, str]]
) -> None:
    uri, answers = another_server
    answers["/version"] = "3.17.2"
    with pytest.raises(DeliveryError, match=f"expected the MLflow server at {uri} to take") as raised:
        ship(journal, uri)
    assert "\n" not in str(raised.value)


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "shipped").write_text("a file where a folder should be")
    with pytest.raises(DeliveryError, match=r"how far the journal is shipped, cannot write there \("):
        ship(Journal(tmp_path / "journal"), f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_an_experiment_in_the_trash_is_told_with_the_way_back(sqlite_uri: str) -> None:
    with open_destination(sqlite_uri) as destination:
        experiment_id = destination.experiment_id("ExamsGraph")
        destination.client.delete_experiment(experiment_id)
    with (
        open_destination(sqlite_uri) as destination,
        pytest.raises(DeliveryError, match=f"mlflow experiments restore --experiment-id {experiment_id}"),
    ):
        destination.experiment_id("ExamsGraph")


def test_a_password_in_the_address_is_never_shown(journal: Journal) -> None:
    with pytest.raises(DeliveryError) as raised:
        ship(journal, "http://teacher:secret@127.0.0.1:9")
    assert "secret" not in str(raised.value)
    shown = [path.read_text("utf-8") + path.name for path in (journal.path / "shipped").iterdir()]
    assert "secret" not in "".join(shown)


def test_the_environment_is_as_it_was_afterwards(sqlite_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    before = dict(os.environ)
    with open_destination(sqlite_uri):
        assert os.environ["MLFLOW_MODEL_CATALOG_URI"] == ""
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"
    assert dict(os.environ) == before


@pytest.mark.parametrize("own", ["7", None])
def test_the_hosts_own_retries_are_as_they_were_also_after_an_error(
    own: str | None, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own is not None:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", own)
    seen = []
    with contextlib.suppress(ZeroDivisionError), open_destination(sqlite_uri):
        seen.append(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
        raise ZeroDivisionError
    assert seen == ["0"]
    assert os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES") == own


def test_deliveries_that_overlap_leave_the_environment_as_it_was(sqlite_uri: str) -> None:
    before, level = dict(os.environ), logging.getLogger("mlflow.store.db.utils").level
    first, second = open_destination(sqlite_uri), open_destination(sqlite_uri)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0", "the second one is still open"
    second.__exit__(None, None, None)
    assert dict(os.environ) == before
    assert logging.getLogger("mlflow.store.db.utils").level == level


def test_the_first_use_of_a_new_database_prints_nothing_and_starts_no_telemetry(
    journal: Journal, tmp_path: Path
) -> None:
    for fact in full_turn():
        journal.write(fact)
    code = (
        "import sys\n"
        "from examsgraph_callbacks.deliver import ship\n"
        "from examsgraph_callbacks.journal import Journal\n"
        "def look(_report):\n"
        "    from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "    assert is_telemetry_disabled()\n"
        "ship(Journal(sys.argv[1]), sys.argv[2], look)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(journal.path), f"sqlite:///{tmp_path / 'new.db'}"],
        cwd=Path(__file__).parents[2],
        # by this one MLflow knows that it is tested, and sends no telemetry anyway
        env={name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
