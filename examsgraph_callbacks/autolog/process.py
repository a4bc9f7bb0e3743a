"""A child process that this one stands in for: what is done to this one happens to the child, and back."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn

__all__ = ["end_like", "run_child"]

_STOPS = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal that this process gets when its parent has died


def run_child(
    program: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    attend: Callable[[], float | None] = lambda: None,
) -> int:
    """Run `program`, called as `command`, to its end in this process's place.

    Its files, directory, terminal and process group are this process's. Each signal that is sent to
    this process is sent on to it; those that a terminal sends it has got already. If this process is
    killed, so is it. Meanwhile, and when it has ended, `attend` is called, which returns the seconds until
    it is to be called again, or None. Returns the child's exit code, or minus the number of the signal
    that killed it. Raises `OSError` where it cannot be executed.
    """
    # where a SIG_IGN was inherited, the child's end would be told to nobody
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signals = signal.valid_signals()
    own_mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        child = subprocess.Popen(  # the caller's own command line
            command,
            executable=program,
            env=environment,
            close_fds=False,  # a shell or a supervisor may have opened some for it
            preexec_fn=_prepare(own_mask),  # noqa: PLW1509 - no other thread runs yet
        )
        while child.poll() is None:
            seconds = attend()
            if seconds is None:
                info: signal.struct_siginfo | None = signal.sigwaitinfo(signals)
            else:
                info = signal.sigtimedwait(signals, seconds)
            if info is not None:
                _pass_on(info, child)
        attend()
        while signal.sigtimedwait(signals, 0) is not None:
            """What came when the child had ended was meant for it too."""
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, own_mask)
    return child.returncode


def end_like(returncode: int) -> NoReturn:
    """End this process as a child ended whose `returncode` this is: by the same signal, where it was one."""
    if returncode < 0:
        number = -returncode
        # the core file to keep is the child's
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # SIGKILL has no other disposition
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
        # the first process of a container is spared by signals: a shell's way to say it
        returncode = 128 + number
    sys.exit(returncode)


def _pass_on(info: signal.struct_siginfo, child: subprocess.Popen[bytes]) -> None:
    # above 0 are the kernel's own: the end of the child, and a terminal's to the whole process group
    if info.si_code > 0:
        if info.si_signo in _STOPS:
            os.kill(os.getpid(), signal.SIGSTOP)
    elif info.si_pid != child.pid:
        child.send_signal(info.si_signo)


def _prepare(mask: set[signal.Signals] | set[int]) -> Callable[[], None]:
    """What the child does before it executes its program."""
    prctl = None
    if sys.platform == "linux":
        import ctypes

        prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return prepare
