"""Applications in files of their own, run as a user's shell runs them, plain or recorded."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from examsgraph_callbacks import Journal

__all__ = ["PLAIN", "RECORDED", "Directory", "directory"]

ROOT = Path(__file__).resolve().parents[2]
PLAIN = [sys.executable]
RECORDED = [sys.executable, "-m", "examsgraph_callbacks", "run"]


def _with_default_signals() -> None:
    # the tests themselves may run in the background, where a shell has these ignored
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@dataclass(frozen=True)
class Directory:
    """The working directory, in which there is nothing but the application."""

    path: Path

    @property
    def journal(self) -> Journal:
        return Journal(self.path / ".examsgraph" / "journal")

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def start(self, command: list[str], **environment: str) -> "subprocess.Popen[str]":
        # as if the package were installed, from wherever the tests run
        path = os.pathsep.join([str(ROOT), *filter(None, [environment.pop("PYTHONPATH", None)])])
        return subprocess.Popen(
            command,
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": path, **environment},
            preexec_fn=_with_default_signals,  # noqa: PLW1509 - sets three signals and no lock
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(
        self, command: list[str], given: str = "", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        with self.start(command, **environment) as process:
            output, errors = process.communicate(given)
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    (tmp_path / "work").mkdir()
    return Directory(tmp_path / "work")
