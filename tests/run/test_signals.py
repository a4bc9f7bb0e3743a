"""Signals under `examsgraph run`: the application gets each once, and ends as it chooses to."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.run.conftest import RECORDED, ROOT, Directory

COUNTING = """
    import os, signal, sys, time
    got = []

    def count(number, frame):
        got.append(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, count)
    print("ready", os.getppid(), flush=True)
    while "SIGTERM" not in got:
        time.sleep(0.01)
    print(*got, flush=True)
    sys.exit(5)
"""


@contextmanager
def started(directory: Directory, text: str, *wrapper: str) -> "Iterator[subprocess.Popen[str]]":
    """The application, once it says that it is ready."""
    directory.write("app.py", text)
    with directory.start([*wrapper, *RECORDED, "app.py"]) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        yield process


def test_each_signal_sent_to_it_arrives_once(directory: Directory) -> None:
    with started(directory, COUNTING) as process:
        # of what is pending the smaller number comes first: SIGTERM, which ends the application, is the last
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
            process.send_signal(number)
        output, errors = process.communicate()

    assert sorted(output.split()) == ["SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2"]
    assert (process.returncode, errors) == (5, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT])
def test_an_application_killed_by_a_signal_looks_killed_by_it(
    directory: Directory,
    number: signal.Signals,
) -> None:
    with started(directory, "print('ready', flush=True); import time; time.sleep(60)") as process:
        process.send_signal(number)
        _, errors = process.communicate()

    assert (process.returncode, errors) == (-number, "")


def test_an_interrupted_application_prints_its_own_traceback_only(directory: Directory) -> None:
    with started(directory, "print('ready', flush=True); import time; time.sleep(60)") as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()

    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert "app.py" in errors


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_an_application_that_kills_itself_looks_killed(directory: Directory, number: signal.Signals) -> None:
    directory.write("app.py", f"import os; os.kill(os.getpid(), {number:d})")
    assert directory.run([*RECORDED, "app.py"]).returncode == -number


def test_a_signal_that_it_sends_to_its_whole_group_does_not_come_back(directory: Directory) -> None:
    text = """
        import os, signal
        got = []
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
        os.killpg(0, signal.SIGUSR1)
        print("ready", flush=True)
        signal.sigwait([signal.SIGUSR2])
        print(len(got))
    """
    # a session of its own, or the tests would be of the group
    with started(directory, text, "setsid") as process:
        # of what is pending the smaller number comes first: with this one, a returned one would be there
        process.send_signal(signal.SIGUSR2)
        output, errors = process.communicate()

    assert (output, errors) == ("1\n", "")


def test_killed_outright_it_takes_the_application_along(directory: Directory) -> None:
    with started(directory, "print('ready', flush=True); import time; time.sleep(600)") as process:
        assert process.stdout is not None
        process.kill()
        # the application holds the other end as long as it lives
        assert process.stdout.read() == ""


class Terminal:
    """A terminal in whose foreground a shell runs `script`; `shown` is all that has appeared on it."""

    def __init__(self, directory: Directory, script: str) -> None:
        self.shown = ""
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.chdir(directory.path)
            os.environ["PYTHONPATH"] = str(ROOT)
            os.execv("/bin/sh", ["sh", "-mc", script])

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def wait_for(self, text: str) -> str:
        """What follows `text` on its line."""
        while text not in self.shown or "\n" not in self.shown.split(text, 1)[1]:
            self.shown += os.read(self._end, 100).decode()
        return self.shown.split(text, 1)[1].splitlines()[0].strip()

    def close(self) -> int:
        """The shell's exit code."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self._end)
        return os.waitstatus_to_exitcode(status)


def test_a_key_at_the_terminal_arrives_once(directory: Directory) -> None:
    directory.write("app.py", COUNTING)
    terminal = Terminal(directory, " ".join([*RECORDED, "app.py"]))
    outer = int(terminal.wait_for("ready"))
    terminal.type("\x03")  # Ctrl-C, of which the terminal tells the whole foreground group
    terminal.type("\n")
    terminal.wait_for("^C")
    os.kill(outer, signal.SIGTERM)
    terminal.wait_for("SIGTERM")

    assert terminal.shown.count("SIGINT") == 1
    assert terminal.close() == 5


def test_it_stops_and_goes_on_with_the_application(directory: Directory) -> None:
    directory.write(
        "app.py",
        """
        import os, signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])
        print("ready", os.getpid(), os.getppid(), flush=True)
        signal.sigwait([signal.SIGCONT])
        print("went on", flush=True)
        """,
    )
    command = " ".join([*RECORDED, "app.py"])
    terminal = Terminal(directory, f"{command}; echo stopped; read line; fg; exit $?")
    pids = terminal.wait_for("ready").split()
    terminal.type("\x1a")  # Ctrl-Z
    terminal.wait_for("stopped")
    # the shell is told of the parent first: the application may take its signal a moment later
    assert eventually(lambda: [state(pid) for pid in pids] == ["T", "T"])
    terminal.type("\n")
    terminal.wait_for("went on")

    assert terminal.close() == 0


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it holds before the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


def state(pid: str) -> str:
    """T where a process is stopped, see proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
