"""Starts the helper process that ships a journal; imports next to nothing, as `examsgraph run` needs it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

__all__ = ["can_help", "helper_command", "start_helper"]

_FROZEN_BETWEEN_REQUESTS = (
    "AWS_LAMBDA_FUNCTION_NAME",
    "FUNCTION_TARGET",  # Google Cloud Functions
    "K_SERVICE",  # Google Cloud Run
    "FUNCTIONS_WORKER_RUNTIME",  # Azure Functions
    "VERCEL",
)


def can_help() -> bool:
    """Whether a helper process may live here: not where all is frozen between requests."""
    frozen = any(name in os.environ for name in _FROZEN_BETWEEN_REQUESTS)
    return os.name == "posix" and not frozen and _python() is not None


def start_helper(journal: str | Path) -> subprocess.Popen[bytes]:
    """Start the helper process of `journal`; what is returned ends as soon as that stands on its own feet.

    It is nobody's child, is in no terminal's foreground, holds no file of this process and says nothing;
    it ends by itself (see `deliver.background`).
    """
    import subprocess

    return subprocess.Popen(
        helper_command(journal),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def helper_command(journal: str | Path) -> list[str]:
    """The command line of a journal's helper process."""
    # -P: a file of the host's working directory must not stand in for one of Python's own
    package = ["-P", "-m", "examsgraph_callbacks"]
    return [_python() or sys.executable, *package, "ship", "--background", str(journal)]


def _python() -> str | None:
    """The Python of this environment; None in an application that brings its own inside."""
    if getattr(sys, "frozen", False):
        return None
    # a server that embeds Python is itself the executable
    for candidate in (sys.executable or "", f"{sys.prefix}/bin/python3"):
        if candidate.rpartition("/")[2].startswith(("python", "pypy")) and os.access(candidate, os.X_OK):
            return candidate
    return None


def _environment() -> dict[str, str]:
    """The environment of this process, with this package to be found, and nothing in the helper recorded."""
    package = __file__.rsplit("/", 3)[0]
    path = filter(None, [os.environ.get("PYTHONPATH"), package])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "EXAMSGRAPH_AUTOLOG": "0",
        "EXAMSGRAPH_SHIP": "off",
    }
