"""A working directory whose applications are recorded, and the helpers that ship for them."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

from mlflow import MlflowClient
from mlflow.entities import Trace

from examsgraph_callbacks.background import helper
from examsgraph_callbacks.background.locks import follow_lock, is_followed
from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.journal import Journal

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 200  # helpers are of low priority: a busy machine leaves them little
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
