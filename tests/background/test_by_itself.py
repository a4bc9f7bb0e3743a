"""A journal is shipped by itself, in a helper process of which its writers notice nothing."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from mlflow import MlflowClient
from mlflow.entities import Trace

from examsgraph_callbacks.background import helper, starting
from examsgraph_callbacks.background.locks import follow_lock, is_followed, is_written
from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.journal import Journal
from tests.deliver.conftest import MLFLOW_WARNING, empty_database
from tests.deliver.factories import turn_root
from tests.deliver.readback import cost_of

__all__ = ["empty_database"]

pytestmark = pytest.mark.filterwarnings(MLFLOW_WARNING)

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 60
NOBODY = "http://127.0.0.1:9"  # the discard port, on which nothing listens
HOST = """
    import os, sys, time
    from langchain_core.language_models import FakeListChatModel
    from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler

    model = FakeListChatModel(responses=["중복 제거"])
    config = {"callbacks": [ExamsGraphCallbackHandler()]}
    ask = lambda: model.invoke("정규화란?", config=config)
"""


class Place:
    """A working directory with MLflow's database beside the journal, and the hosts that run in it."""

    def __init__(self, path: Path, database: Path) -> None:
        self.path = path
        (path / ".examsgraph").mkdir(parents=True)
        self.uri = f"sqlite:///{shutil.copy(database, path / '.examsgraph' / 'mlflow.db')}"
        self.journal = path / ".examsgraph" / "journal"

    def start(self, code: str, *wrapper: str, **environment: str) -> "subprocess.Popen[str]":
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        surroundings.pop("EXAMSGRAPH_SHIP")
        file = self.path / "app.py"
        file.write_text(dedent(HOST) + dedent(code), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, *wrapper, str(file)],
            cwd=self.path,
            env={**surroundings, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, *wrapper: str, **environment: str) -> str:
        """What the host prints; it must succeed and say nothing else."""
        with self.start(code, *wrapper, **environment) as host:
            output, errors = host.communicate()
        assert (host.returncode, errors) == (0, "")
        return output

    def helpers(self) -> list[int]:
        return [pid for pid, command in processes() if command == helper.helper_command(self.journal)]

    def is_followed(self) -> bool:
        return is_followed(follow_lock(self.journal, self.uri))

    def follower(self) -> int | None:
        """The helper that follows; others that were started at the same time find it there, and go."""
        lock = follow_lock(self.journal, self.uri)
        return int(lock.read_text("ascii") or 0) or None if is_followed(lock) else None

    def traces(self) -> int:
        return len(self.all_traces())

    def all_traces(self) -> list[Trace]:
        client = MlflowClient(self.uri)
        experiment = client.get_experiment_by_name("ExamsGraph")
        return [] if experiment is None else client.search_traces(locations=[experiment.experiment_id])

    def is_shipped(self) -> bool:
        status = shipping_status(Journal(self.journal), self.uri)[0]
        return status.delivered_at is not None and status.facts_behind == 0


@pytest.fixture
def place(tmp_path: Path, empty_database: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place", empty_database)
    yield place
    for pid in place.helpers():
        os.kill(pid, signal.SIGKILL)


def processes() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        yield int(folder.name), command.split("\0")[:-1]


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def test_a_script_of_one_call_finds_it_in_mlflow_and_the_helper_is_gone(place: Place) -> None:
    place.run("ask()")

    assert eventually(place.is_shipped)
    assert eventually(lambda: not place.helpers())
    assert place.traces() == 1


def test_the_helper_is_nobodys_child_of_low_priority_and_holds_no_file_of_the_host(place: Place) -> None:
    with place.start("ask(); print(os.getpid(), flush=True); input(); ask(); input()") as host:
        assert host.stdout is not None
        assert host.stdin is not None
        pid = int(host.stdout.readline())
        assert eventually(place.is_followed)
        (helper_pid,) = place.helpers()
        status = Path(f"/proc/{helper_pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        parent, session, nice = int(status[1]), int(status[3]), int(status[16])
        assert parent != pid
        assert session != os.getsid(pid)
        assert nice == 10
        assert not zombies_of(pid)
        files = {str(Path(f"/proc/{helper_pid}/fd/{number}").readlink()) for number in (0, 1, 2)}
        assert files == {"/dev/null"}
        # while the host lives its helper does, and ships what comes
        host.stdin.write("\n")
        host.stdin.flush()
        assert eventually(lambda: place.traces() == 2)
        assert place.helpers() == [helper_pid]
        host.communicate("\n")
    assert eventually(lambda: not place.helpers())


def zombies_of(parent: int) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if status[0] == "Z" and int(status[1]) == parent:
            found.append(folder.name)
    return found


def test_several_processes_and_forks_share_one_helper(place: Place) -> None:
    code = """
        ask()
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                ask()
                time.sleep(3)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
    """
    with place.start(code) as one, place.start(code) as other:
        assert eventually(lambda: place.traces() > 0)
        assert len(place.helpers()) == 1
        assert one.communicate()[1] == other.communicate()[1] == ""
    assert eventually(lambda: not place.helpers())
    assert place.is_shipped(), shipping_status(Journal(place.journal), place.uri)
    assert place.traces() == 8


def test_a_helper_that_is_killed_is_replaced_by_whoever_writes(place: Place) -> None:
    code = """
        from examsgraph_callbacks.journal import writer
        writer.LOOK_AGAIN_SECONDS = 0.5
        for _ in range(1000):
            ask()
            time.sleep(0.05)
            if os.path.exists("end"):
                break
    """
    with place.start(code) as host:
        assert eventually(lambda: place.follower() is not None)
        first = place.follower()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: place.follower() not in (None, first))
        (place.path / "end").touch()
        assert host.communicate()[1] == ""
    assert eventually(lambda: not place.helpers())
    assert place.is_shipped(), shipping_status(Journal(place.journal), place.uri)


def test_a_helper_that_is_told_to_stop_stops(place: Place) -> None:
    with place.start("ask(); input()") as host:
        assert eventually(place.is_shipped)
        (pid,) = place.helpers()
        os.kill(pid, signal.SIGTERM)
        assert eventually(lambda: not place.helpers())
        host.communicate("\n")


def test_what_mlflow_did_not_take_is_left_to_the_next_process(place: Place) -> None:
    place.run("ask()", MLFLOW_TRACKING_URI=NOBODY)
    assert eventually(lambda: shipping_status(Journal(place.journal), NOBODY)[0].error is not None)
    assert eventually(lambda: not place.helpers())

    place.run("ask()")
    assert eventually(lambda: place.traces() == 2)


WRITES_A_TURN = """
    from examsgraph_callbacks import Journal
    from tests.deliver.factories import llm_call, turn_root
    journal = Journal()
    for fact in (llm_call(task_type="simple_greeting"), turn_root()):
        journal.write(fact)
"""


def test_the_helper_goes_by_the_prices_and_the_policy_of_the_settings(place: Place) -> None:
    (place.path / "contract.toml").write_text(
        '[[prices]]\nmodel = "gpt-4o-mini*"\ninput = 2000\noutput = 8000\n'
        '[routing]\nsimple_greeting = ["tutor-7b"]\n',
        "utf-8",
    )
    place.run(WRITES_A_TURN, EXAMSGRAPH_PRICES="contract.toml", EXAMSGRAPH_POLICY="contract.toml")

    assert eventually(place.is_shipped)
    (trace,) = place.all_traces()
    assert cost_of(trace) == (15 * 2000 + 30 * 8000) / 1_000_000
    assert trace.info.tags["misrouted"] == "true"


def test_a_prices_file_that_cannot_be_read_is_told_by_the_status_and_costs_the_host_nothing(
    place: Place,
) -> None:
    place.run(WRITES_A_TURN, EXAMSGRAPH_PRICES="gone.toml")

    def said() -> str:
        return shipping_status(Journal(place.journal), place.uri)[0].error or ""

    assert eventually(lambda: "gone.toml" in said())
    assert eventually(lambda: not place.helpers())
    place.run(WRITES_A_TURN)
    assert eventually(place.is_shipped)


TIMED_CALLS = """
    taken = []
    for _ in range(100):
        began = time.perf_counter()
        model.invoke("정규화란?", config={config})
        taken.append(time.perf_counter() - began)
        time.sleep(0.005)
    print(sorted(taken)[50] * 1000, time.time(), flush=True)
"""


def test_with_mlflow_down_all_the_time_a_chain_and_the_exit_take_what_they_take_without_us(
    place: Place,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        ways = {
            "without us": ("None", {"EXAMSGRAPH_SHIP": "off"}),
            "MLflow down": ("config", {"MLFLOW_TRACKING_URI": NOBODY}),
            "MLflow hangs": ("config", {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{hangs.getsockname()[1]}"}),
        }
        taken_ms: dict[str, list[float]] = {way: [] for way in ways}
        exit_ms: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(2):
            for way, (config, environment) in ways.items():
                median, ended = place.run(TIMED_CALLS.format(config=config), **environment).split()
                exit_ms[way].append((time.time() - float(ended)) * 1000)
                taken_ms[way].append(float(median))
    print()  # noqa: T201 - the figures are what it is for
    for way in ways:
        print(f"{way:13} a call {min(taken_ms[way]):5.2f} ms   exit {min(exit_ms[way]):4.0f} ms")  # noqa: T201
    for way in ways:
        assert min(taken_ms[way]) - min(taken_ms["without us"]) < 2
        assert min(exit_ms[way]) - min(exit_ms["without us"]) < 250


@pytest.mark.parametrize(
    "environment",
    [{"EXAMSGRAPH_SHIP": "off"}, {"AWS_LAMBDA_FUNCTION_NAME": "tutor"}],
    ids=str,
)
def test_it_may_be_left_out_and_is_where_all_is_frozen_between_requests(
    environment: dict[str, str], place: Place
) -> None:
    place.run("ask(); time.sleep(1)", **environment)
    assert place.helpers() == []
    assert not (place.journal / "shipped").exists()


@pytest.mark.parametrize(
    "name",
    [
        "AWS_LAMBDA_FUNCTION_NAME",
        "FUNCTION_TARGET",
        "K_SERVICE",
        "FUNCTIONS_WORKER_RUNTIME",
        "VERCEL",
    ],
)
def test_no_helper_is_started_where_all_is_frozen_between_requests(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert helper.can_help()
    monkeypatch.setenv(name, "tutor")
    assert not helper.can_help()


def test_a_thread_ships_where_it_is_asked_for(place: Place) -> None:
    place.run(
        """
        ask()
        from examsgraph_callbacks import Journal
        from examsgraph_callbacks.deliver import shipping_status
        deadline = time.monotonic() + 60
        while shipping_status(Journal())[0].facts_behind and time.monotonic() < deadline:
            time.sleep(0.1)
        """,
        EXAMSGRAPH_SHIP="thread",
    )
    assert place.helpers() == []
    assert place.is_shipped(), shipping_status(Journal(place.journal), place.uri)
    assert place.traces() == 1


def test_under_run_the_parent_ships_and_the_application_does_not(place: Place) -> None:
    output = place.run(
        """
        import threading
        ask()
        time.sleep(3)
        ask()
        print(os.environ["EXAMSGRAPH_SHIP"], threading.active_count())
        """,
        "-m",
        "examsgraph_callbacks",
        "run",
    )
    assert output == "off 1\n"
    assert eventually(lambda: place.is_shipped() and place.traces() == 2)
    assert eventually(lambda: not place.helpers())


def test_under_run_a_short_application_is_shipped_too_and_an_unrecorded_one_starts_nothing(
    place: Place,
) -> None:
    place.run("", "-m", "examsgraph_callbacks", "run")
    assert not place.journal.exists()
    place.run("ask()", "-m", "examsgraph_callbacks", "run")
    assert eventually(place.is_shipped)


def test_a_segment_is_written_for_as_long_as_its_process_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(turn_root())
    (segment,) = journal.segments()
    assert is_written(segment)
    child = os.fork()
    if child == 0:
        os._exit(0 if is_written(segment) else 1)
    assert os.waitpid(child, 0)[1] == 0
    journal.close()
    assert not is_written(segment)


def test_an_application_that_brings_its_own_python_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert helper.can_help()
    monkeypatch.setattr(sys, "executable", "/usr/bin/uwsgi")
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    assert not helper.can_help()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not helper.can_help()


def test_whoever_ships_by_hand_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []
    monkeypatch.setattr(starting._Starting, "start", lambda self: started.append(self._journal))
    starting.make_sure_it_is_shipped(tmp_path)
    assert started == [tmp_path]
    monkeypatch.setattr(starting, "_by_hand", type(starting._by_hand)())
    starting.ship_by_hand()
    starting.make_sure_it_is_shipped(tmp_path)
    assert started == [tmp_path]
