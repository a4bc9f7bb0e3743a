"""Runs a server as a process of its own that never outlives the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OPENED_PACKAGES = ("java.nio", "java.io", "sun.nio.ch")
# The shell kills the server as soon as its standard input closes. That happens however this
# process ends, SIGKILL included, so no server is ever left behind.
_WATCHED = (
    'exec 3<&0; "$@" 3<&- </dev/null & server=$!; '
    '{ read -r line <&3; kill -KILL "$server"; } 2>/dev/null & wait "$server"'
)
# below those that Linux gives to connections, which would take one that still waits for its server
_untried = iter(range(20_000, 32_768))


class NotAvailableError(Exception):
    """One way to a server is closed; the message says why and what would open it."""


@contextmanager
def running_process(
    command: list[str], folder: Path
) -> Iterator[tuple[Callable[[], bool], Callable[[], str]]]:
    """Run a server in `folder`; yield what tells its end and its log; kill it on leaving."""
    if shutil.which("sh") is None:
        raise NotAvailableError("expected a Unix shell, sh, got none; use Docker on this system")
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", _WATCHED, "sh", *command],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the tests first, and they end the server
        )
    assert process.stdin is not None
    try:
        yield (
            lambda: process.poll() is not None,
            lambda: log.read_text(encoding="utf-8", errors="replace"),
        )
    finally:
        if process.poll() is None:
            process.stdin.close()  # the shell kills the server, see _WATCHED
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdin.close()
        process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on, and that no process of these tests was given."""
    for port in _untried:
        sign = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as probe:
            try:
                sign.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                sign.close()
                continue
        # a server takes seconds until it listens: that its UDP port is taken, which none uses, keeps other
        # processes off meanwhile, and as long as this one lives
        sign.detach()
        return port
    message = "expected a port of 127.0.0.1 between 20000 and 32767 that is free, got none"
    raise NotAvailableError(message)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a context manager of a folder for one server, removed when it ends."""
    return tempfile.TemporaryDirectory(prefix="examsgraph-", ignore_cleanup_errors=True)


def java_flags(home: Path) -> list[str]:
    """Return what every Java server here is started with; it writes nowhere but in `home`."""
    quick_start = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"]
    return [*_flags_of_all(home), *quick_start]


def java_flags_for_speed(home: Path) -> list[str]:
    """The same for a server whose work is timed: it compiles all the way, and has memory for much data."""
    return [*_flags_of_all(home), "-Xmx3g"]


def _flags_of_all(home: Path) -> list[str]:
    opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED_PACKAGES]
    return [*opened, f"-Djava.io.tmpdir={home}", f"-Djna.tmpdir={home}", "-Dfile.encoding=UTF-8"]
