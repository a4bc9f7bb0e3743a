"""A marked test: played from its recording, or live and recorded."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from examsgraph_callbacks.autolog import autolog
from examsgraph_callbacks.autolog.replaying import answer_from
from examsgraph_callbacks.errors import RecordingError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.pytest_plugin.assertions import assert_costs, assert_path
from examsgraph_callbacks.pytest_plugin.sockets import sockets_blocked
from examsgraph_callbacks.replay import Player, secrets_in, write_recording

__all__ = ["RecordedTest", "playing", "recording"]

_SECRETS_TOLD = 5
# without one, a provider's client refuses to be made
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")


@dataclass(frozen=True, slots=True)
class RecordedTest:
    """What the test's application did so far; `is_played` from the recording at `path`, else live."""

    path: Path
    is_played: bool
    journal: Journal

    @property
    def facts(self) -> list[Fact]:
        """The facts of all runs that have ended, in order."""
        return list(self.journal.read())

    def assert_costs(
        self,
        *,
        max_usd: Decimal | float | str | None = None,
        max_tokens: int | None = None,
        max_calls: int | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Fail, and list the calls, where they took more than that; see `assertions.assert_costs`."""
        __tracebackhide__ = True
        assert_costs(self.facts, max_usd=max_usd, max_tokens=max_tokens, max_calls=max_calls, meter=meter)

    def assert_path(self, concepts: Sequence[str], *, query: str | None = None) -> None:
        """Fail, and show both, where the last exploration (of `query`) did not take this path."""
        __tracebackhide__ = True
        assert_path(self.facts, concepts, query=query)


@contextmanager
def playing(path: Path, directory: Path, *, pace: float) -> Iterator[RecordedTest]:
    """Play the recording at `path` under the block, with sockets blocked; what was not recorded fails it."""
    if not path.exists():
        pytest.fail(
            f"expected a recording at {path}, found none: make it with  pytest --examsgraph-record=once",
            pytrace=False,
        )
    try:
        player = Player(path, pace=pace)
    except RecordingError as error:
        pytest.fail(str(error), pytrace=False)
    journal = Journal(directory / "journal")
    stop = answer_from(player)
    try:
        with _recorded_into(journal), sockets_blocked(), pytest.MonkeyPatch.context() as patch:
            for name in _KEYS:
                if not os.environ.get(name):
                    patch.setenv(name, "replayed")
            yield RecordedTest(path, is_played=True, journal=journal)
    finally:
        stop()
    if player.misses:
        # the application may have caught the error, and gone on without the answer
        pytest.fail(
            f"{len(player.misses)} not in the recording; the first: {player.misses[0]}", pytrace=False
        )


@contextmanager
def recording(path: Path, directory: Path, has_failed: Callable[[], bool]) -> Iterator[RecordedTest]:
    """Record what happens live in the block into `path`, unless the test failed or a secret would stay."""
    journal = Journal(directory / "journal")
    with _recorded_into(journal):
        yield RecordedTest(path, is_played=False, journal=journal)
    if has_failed():
        return
    written = directory / path.name
    try:
        write_recording(journal.read(), written)
        secrets = [secret for fact in Player(written).recording.facts() for secret in secrets_in(fact)]
    except RecordingError as error:
        pytest.fail(f"nothing recorded at {path}: {error}", pytrace=False)
    if secrets:
        told = "\n".join(f"  {secret}" for secret in secrets[:_SECRETS_TOLD])
        pytest.fail(
            f"nothing recorded at {path}, as secrets would stay in ids or labels; replace them in the test, "
            f"or set EXAMSGRAPH_USER_KEY:\n{told}",
            pytrace=False,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written.read_bytes())


@contextmanager
def _recorded_into(journal: Journal) -> Iterator[None]:
    """Everything goes to `journal`, whole and with vectors, and nothing of it to MLflow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXAMSGRAPH_JOURNAL", str(journal.path))
        patch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "true")
        patch.setenv("EXAMSGRAPH_CAPTURE_EMBEDDINGS", "true")
        patch.setenv("EXAMSGRAPH_DOCUMENT_LIMIT", "1000000")
        patch.setenv("EXAMSGRAPH_SHIP", "off")
        autolog(journal)
        try:
            yield
        finally:
            autolog(disable=True)
            journal.close()
