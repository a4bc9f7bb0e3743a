"""Whatever an application does or is told by its surroundings, it does and is told under `examsgraph run`."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from examsgraph_callbacks.autolog import launch
from examsgraph_callbacks.defaults import JOURNAL
from examsgraph_callbacks.settings import Settings
from tests.run.conftest import PLAIN, RECORDED, Directory

SITE = Path(launch.__file__).parent / "site"


def both(
    directory: Directory, arguments: list[str], **environment: str
) -> tuple["subprocess.CompletedProcess[str]", "subprocess.CompletedProcess[str]"]:
    """The same application, plain and recorded."""
    return (
        directory.run([*PLAIN, *arguments], "입력", **environment),
        directory.run([*RECORDED, *arguments], "입력", **environment),
    )


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit(0)",
        "import sys; sys.exit(3)",
        "import sys; sys.exit('a message')",
        "raise RuntimeError('정규화')",
        "import os; os._exit(255)",
        "syntax error",
        "import sys; print(sys.stdin.read(), sys.argv); print('오류', file=sys.stderr)",
        "import sys; print(sys.path, sys.flags, sys.executable, sys.orig_argv)",
        "import os; print(os.getcwd(), os.getpgrp() == os.getpgid(os.getppid()))",
        "import sys, signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))",
        "import signal; print([(n, signal.getsignal(n)) for n in (1, 2, 13, 15, 17)])",
        "import threading; print(threading.active_count())",
    ],
)
def test_exit_code_input_and_output_are_its_own(directory: Directory, text: str) -> None:
    directory.write("app.py", text)
    plain, recorded = both(directory, ["app.py", "인수", "--help", "-m", "--", "-"])
    assert (recorded.returncode, recorded.stdout, recorded.stderr) == (
        plain.returncode,
        plain.stdout,
        plain.stderr,
    )


def test_its_start_imports_next_to_nothing_more(directory: Directory) -> None:
    directory.write("app.py", "import sys; print(*sys.modules)")
    plain, recorded = (set(ended.stdout.split()) for ended in both(directory, ["app.py"]))
    more = {name for name in recorded - plain if not name.startswith("examsgraph_callbacks")}
    assert more <= {"sitecustomize", "__future__"}


def test_files_that_a_shell_or_supervisor_opened_reach_it(directory: Directory) -> None:
    directory.write("app.py", "import os; os.write(3, b'written')")
    command = " ".join([*RECORDED, "app.py", "3>three"])
    assert directory.run(["sh", "-c", command]).returncode == 0
    assert (directory.path / "three").read_text() == "written"


def test_a_journal_is_named_from_where_the_application_started(directory: Directory) -> None:
    directory.write("app.py", "import os; print(os.environ['EXAMSGRAPH_JOURNAL'])")
    for given, expected in [
        ({}, directory.path / ".examsgraph" / "journal"),
        ({"EXAMSGRAPH_JOURNAL": "facts"}, directory.path / "facts"),
        ({"EXAMSGRAPH_JOURNAL": "/var/facts"}, Path("/var/facts")),
    ]:
        assert directory.run([*RECORDED, "app.py"], **given).stdout == f"{expected}\n"
    named = directory.run([*RECORDED, "--journal", "named", "app.py"], EXAMSGRAPH_JOURNAL="facts")
    assert named.stdout == f"{directory.path / 'named'}\n"


def test_the_default_place_is_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXAMSGRAPH_JOURNAL", raising=False)
    assert Settings().journal == Path(JOURNAL)
    environment = launch.recorded_environment({})
    assert environment["EXAMSGRAPH_JOURNAL"] == str(Path(JOURNAL).absolute())
    monkeypatch.setenv("EXAMSGRAPH_AUTOLOG", environment["EXAMSGRAPH_AUTOLOG"])
    assert Settings().autolog


def test_the_search_path_keeps_its_order_and_gains_no_working_directory() -> None:
    def path_of(**given: str) -> str:
        return launch.recorded_environment(given)["PYTHONPATH"]

    assert path_of() == path_of(PYTHONPATH="") == str(SITE)
    assert path_of(PYTHONPATH="/a:/b") == f"{SITE}:/a:/b"
    assert path_of(PYTHONPATH=f"{SITE}:/a") == f"{SITE}:/a"


class TestASitecustomizeOfItsOwn:
    # `examsgraph run` is a Python itself, in which it runs as well
    ONLY_IN_THE_APPLICATION = "import sys\nif 'run' not in sys.orig_argv: "

    def test_is_run_as_if_there_were_no_other(self, directory: Directory) -> None:
        text = "print('own', __file__, __spec__.name)"
        directory.write("own/sitecustomize.py", self.ONLY_IN_THE_APPLICATION + text)
        directory.write("app.py", "import sitecustomize, sys; print(sitecustomize.__file__)")
        plain, recorded = both(directory, ["app.py"], PYTHONPATH=str(directory.path / "own"))

        assert "own" in plain.stdout
        assert (recorded.stdout, recorded.stderr) == (plain.stdout, plain.stderr)

    @pytest.mark.parametrize("text", ["import no_such_library", "1 / 0"])
    def test_fails_as_it_would(self, directory: Directory, text: str) -> None:
        directory.write("own/sitecustomize.py", self.ONLY_IN_THE_APPLICATION + text)
        directory.write("app.py", "print('goes on')")
        plain, recorded = both(directory, ["app.py"], PYTHONPATH=str(directory.path / "own"))

        assert "sitecustomize" in plain.stderr
        assert (recorded.stdout, recorded.stderr) == (plain.stdout, plain.stderr)


class TestPythonsThatItStarts:
    APPLICATION = """
        import subprocess, sys
        done = subprocess.run([*sys.argv[1:], "-c", "print(1)"], capture_output=True, text=True)
        print(done.returncode, done.stdout, done.stderr)
    """

    @pytest.mark.parametrize("option", ["-I", "-E", "-S", "-s", "-P"])
    def test_with_options_that_shut_the_surroundings_out(self, directory: Directory, option: str) -> None:
        directory.write("app.py", self.APPLICATION)
        ended = directory.run([*RECORDED, "app.py", sys.executable, option])
        assert ended.stdout == "0 1\n \n"

    def test_of_another_environment_without_this_package(self, directory: Directory) -> None:
        venv.create(directory.path / "other", with_pip=False)
        directory.write("app.py", self.APPLICATION)
        python = str(directory.path / "other" / "bin" / "python")
        ended = directory.run(["env", f"PYTHONPATH={SITE}", *PLAIN, "app.py", python], EXAMSGRAPH_AUTOLOG="1")
        assert ended.stdout == "0 1\n \n"

    @pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.10", "3.12", "3.13"])
    def test_of_another_version(self, directory: Directory, version: str) -> None:
        found = _python(version)
        if found is None:
            pytest.skip(f"no Python {version} on this machine")
        directory.write("app.py", self.APPLICATION)
        # Python 2 would keep its bytecode beside our sources
        ended = directory.run([*RECORDED, "app.py", found], PYTHONDONTWRITEBYTECODE="1")
        assert ended.stdout == "0 1\n \n"

    def test_may_be_left_out(self, directory: Directory) -> None:
        directory.write(
            "app.py",
            """
            import os, subprocess, sys
            from langchain_core.language_models import FakeListChatModel
            FakeListChatModel(responses=["!"]).invoke(os.environ["EXAMSGRAPH_AUTOLOG"])
            if len(sys.argv) == 1:
                os.environ["EXAMSGRAPH_AUTOLOG"] = "0"
                sys.exit(subprocess.run([sys.executable, __file__, "child"]).returncode)
            """,
        )
        assert directory.run([*RECORDED, "app.py"]).returncode == 0
        assert len(list(directory.journal.read())) == 1


def test_an_application_that_cannot_be_recorded_runs_and_says_so(directory: Directory) -> None:
    venv.create(directory.path / "other", with_pip=False)
    python = directory.path / "other" / "bin" / "python"
    directory.write("app.py", "print('runs')")
    code = (
        "import os, sys; sys.path.insert(0, os.environ.pop('PYTHONPATH'));"
        "from examsgraph_callbacks.__main__ import main; main()"
    )
    ended = directory.run([*PLAIN, "-c", code, "run", str(python), "app.py"])

    assert (ended.returncode, ended.stdout) == (0, "runs\n")
    assert ended.stderr == f"examsgraph: not recorded by {python}: No module named 'examsgraph_callbacks'\n"


def test_where_signals_cannot_be_passed_on_the_application_takes_the_place(directory: Directory) -> None:
    directory.write("app.py", "import os, sys; print(os.getpid(), sys.argv); sys.exit(4)")
    as_on_macos = (
        "import os, signal, sys; del signal.sigwaitinfo; print(os.getpid(), flush=True);"
        "from examsgraph_callbacks.__main__ import main; main()"
    )
    ended = directory.run([*PLAIN, "-c", as_on_macos, "run", "app.py", "인수"])
    own, shown = ended.stdout.splitlines()
    assert (ended.returncode, shown, ended.stderr) == (4, f"{own} ['app.py', '인수']", "")


def test_what_is_no_application_is_told_in_one_line(directory: Directory) -> None:
    directory.write("not_executable", "")
    for command, message in [
        (["no-such-command"], "expected a Python file, -m and a module, or a command on PATH, got no-such-"),
        ([], "Missing argument"),
    ]:
        ended = directory.run([*RECORDED, *command])
        assert ended.returncode != 0
        assert message in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_program_that_the_system_refuses_is_told_in_one_line(directory: Directory) -> None:
    program = directory.write("program", "no program\n")
    program.chmod(0o755)
    ended = directory.run([*RECORDED, "./program"])
    assert ended.returncode == 1
    assert ended.stderr.startswith("expected a program that can be executed, got ./program: [Errno 8]")


def _python(version: str) -> str | None:
    for candidate in Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*"):
        return str(candidate / "bin" / "python")
    return shutil.which(f"python{version}")
