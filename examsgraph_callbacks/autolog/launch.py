"""`examsgraph run`: an application in a process of its own, recorded, with no line of it changed."""

from __future__ import annotations

import os
import signal
import sys

from examsgraph_callbacks.background.attending import Attending
from examsgraph_callbacks.defaults import JOURNAL, REPLAYED
from examsgraph_callbacks.errors import InvalidInputError

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

__all__ = ["recorded_environment", "run_application"]

_SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")
_PYTHON_FILES = (".py", ".pyw", ".pyz")


def run_application(
    arguments: Sequence[str],
    journal: str | os.PathLike[str] | None = None,
    *,
    replay: str | os.PathLike[str] | None = None,
) -> NoReturn:
    """Run `app.py …`, `-m module …` or a command on PATH, recorded, and end as it ends.

    `journal` is the journal's directory, else `EXAMSGRAPH_JOURNAL`, else `./.examsgraph/journal`; the
    application's subprocesses write to it too, wherever they work. Given a recording to `replay`, models
    and graph retrievers answer from it; what is recorded then goes to `./.examsgraph/replay` unless a
    journal is named, and is not shipped, as it cost nothing. Raises `InvalidInputError` where there is
    nothing to run.
    """
    program, command = _program(arguments)
    if replay is None:
        environment = recorded_environment(os.environ, journal)
    else:
        environment = recorded_environment(os.environ, journal or REPLAYED)
        environment["EXAMSGRAPH_REPLAY"] = os.path.abspath(replay)
        environment["EXAMSGRAPH_SHIP"] = "off"
    try:
        if not hasattr(signal, "sigwaitinfo"):
            # macOS and Windows do not tell who sent a signal, so this process steps aside
            os.execve(program, command, environment)  # noqa: S606 - the caller's own command line
        from examsgraph_callbacks.autolog.process import end_like, run_child

        attend = (lambda: None) if replay is not None else Attending(environment["EXAMSGRAPH_JOURNAL"])
        # what it writes is shipped from here
        returncode = run_child(program, command, {**environment, "EXAMSGRAPH_SHIP": "off"}, attend)
    except OSError as error:
        raise InvalidInputError(f"expected a program that can be executed, got {program}: {error}") from error
    end_like(returncode)


def recorded_environment(
    environment: Mapping[str, str],
    journal: str | os.PathLike[str] | None = None,
) -> dict[str, str]:
    """`environment` with what makes every Python that starts in it record into one journal."""
    path = environment.get("PYTHONPATH")
    # an empty part would mean the working directory
    entries = [] if not path else [entry for entry in path.split(os.pathsep) if entry != _SITE]
    place = journal or environment.get("EXAMSGRAPH_JOURNAL") or JOURNAL
    return {
        **environment,
        "PYTHONPATH": os.pathsep.join([_SITE, *entries]),
        "EXAMSGRAPH_AUTOLOG": "1",
        "EXAMSGRAPH_RUN": str(os.getpid()),
        "EXAMSGRAPH_JOURNAL": os.path.abspath(place),
    }


def _program(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The program's file, and the command line that it is to see."""
    if not arguments:
        raise InvalidInputError("expected an application to run, got nothing: pass  app.py  or  -m module")
    first = arguments[0]
    if first.startswith("-") or first.endswith(_PYTHON_FILES):
        return sys.executable, [sys.executable, *arguments]
    from shutil import which

    found = which(first)
    if found is not None:
        return found, list(arguments)
    if os.path.exists(first):
        # Python runs a directory with a __main__.py, and a file of any name
        return sys.executable, [sys.executable, *arguments]
    raise InvalidInputError(
        f"expected a Python file, -m and a module, or a command on PATH, got {first}, which is none of them",
    )
