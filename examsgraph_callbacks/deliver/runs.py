"""Runs as values, and their writer: each is written once, and finished where it was left half-written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from examsgraph_callbacks.deliver.answers import is_unavailable
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.faults import Faults
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.sound import of_a_fact
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Fact

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["KEY_TAG", "RunContent", "RunWriter", "is_deleted", "is_half_written", "milliseconds", "reaching"]

KEY_TAG = "examsgraph.event_id"
"""The tag by which a run is known again: its fact's id, or what else tells it from all others."""

_PAGE = 1000  # runs an answer
_NAME_LIMIT = 100  # characters
_NEAR_MS = 3_600_000  # runs so near to each other are asked for at once
_MOMENTS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2263, 1, 1, tzinfo=UTC))

T = TypeVar("T")
F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class RunContent:
    """What a run shall hold; `texts` are artifacts by their names, and None among the values is left out.

    `key` is the value of `KEY_TAG`; `fact` is what is set aside where the run cannot be written. Each
    metric is one point, at the run's end.
    """

    fact: Fact
    key: str
    name: str
    started_at: datetime
    ended_at: datetime
    tags: Mapping[str, str | None]
    params: Mapping[str, str | None] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    texts: Mapping[str, str | None] = field(default_factory=dict)
    failed: bool = False


def is_deleted(run: "Run") -> bool:
    """Whether a person deleted the run, which then stays so."""
    return bool(run.info.lifecycle_stage != "active")


def is_half_written(run: "Run") -> bool:
    """Whether the run was left before it was whole."""
    return bool(run.info.status == "RUNNING")


def milliseconds(moment: datetime) -> int:
    """Since 1970 (UTC); raises `InvalidInputError` for a moment that MLflow has no place for."""
    if not _MOMENTS[0] <= moment < _MOMENTS[1]:
        raise InvalidInputError(
            f"expected a moment between 1970 and 2262, got {moment.isoformat()}: correct the clock of the "
            "machine that recorded it",
        )
    return round(moment.timestamp() * 1000)


@contextmanager
def reaching(destination: Destination) -> Iterator[None]:
    """Raises `DeliveryError` where what is done here finds that MLflow cannot be reached."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise destination.unreachable(error) from error


class RunWriter:
    """Writes runs into one experiment, counting those that are new in `created`.

    `progress` counts what was written and need not be written again after an error; `answered` says whether
    MLflow took anything at all.

    A fact that cannot be a run, or whose run MLflow refuses, is counted in `refused` and set aside.
    Where MLflow cannot be reached, MLflow's own error or an `OSError` is raised (see `reaching`).
    With `shared`, other journals' shippers write to the same runs.
    """

    def __init__(
        self,
        destination: Destination,
        experiment: str,
        dead_letters: DeadLetters,
        *,
        shared: bool = False,
    ) -> None:
        self._destination = destination
        self._client = destination.client
        self._dead_letters = dead_letters
        self._shared = shared
        self.experiment = experiment
        self.created = 0
        self.progress = 0
        self.answered = False
        self.refused = 0

    @property
    def experiment_id(self) -> str:
        """The experiment's id; it is made where there is none."""
        return self._destination.experiment_id(self.experiment)

    def known(self, began: Iterable[datetime]) -> dict[str, "Run"]:
        """The runs that began at these moments or near them, by their keys, deleted ones where no other is.

        Of several with one key everybody takes the same, a whole one before others. Beside it may stand an
        empty one, which MLflow made long after its answer had been waited for in vain: that is deleted.
        """
        from mlflow.entities import ViewType

        found: dict[str, list[Run]] = {}
        for first, last in _spans_of_time(sorted(milliseconds(moment) for moment in began)):
            token: str | None = ""
            while token is not None:
                search = partial(
                    self._client.search_runs,
                    [self.experiment_id],
                    f"attributes.start_time >= {first} AND attributes.start_time <= {last}",
                    run_view_type=ViewType.ALL,
                    max_results=_PAGE,
                    page_token=token or None,
                )
                page = repeated(search)
                for run in page:
                    if KEY_TAG in run.data.tags:
                        found.setdefault(run.data.tags[KEY_TAG], []).append(run)
                token = page.token or None
        return {key: self._best(runs) for key, runs in found.items()}

    def _best(self, runs: Sequence["Run"]) -> "Run":
        best, *others = sorted(runs, key=_rank)
        if others and not self._shared and not is_half_written(best):
            for run in filter(_is_empty, others):
                repeated(partial(self._client.delete_run, run.info.run_id))
        return best

    def in_time(self, facts: Iterable[F]) -> list[F]:
        """The facts that happened at a moment that MLflow has a place for, the others set aside."""
        sound: list[F] = []
        for fact in facts:
            try:
                milliseconds(fact.started_at)
            except InvalidInputError as error:
                self.set_aside([fact], error)
            else:
                sound.append(fact)
        return sound

    def write_each(
        self,
        things: Iterable[T],
        write: Callable[[T], "Run"],
        facts: Callable[[T], Iterable[Fact]],
    ) -> list[T]:
        """Those of `things` that `write` wrote, each as a run; the facts of the others are set aside.

        What MLflow fails on is written once more, so `write` has to know by then what it made before.
        """
        from mlflow.exceptions import MlflowException

        faults: Faults[T] = Faults()
        written: list[tuple[T, Run]] = []

        def write_one(thing: T) -> None:
            written.append((thing, write(thing)))

        for thing in things:
            try:
                write_one(thing)
            except (MlflowException, OSError) as error:
                if is_unavailable(error):
                    raise
                faults.add(thing, error)
            except Exception as error:  # noqa: BLE001 - whatever one odd fact brings about
                self.set_aside(facts(thing), of_a_fact(error))
            else:
                faults.taken(thing)
        for thing, why in faults.settle(lambda _taken: self._touch(written[-1][1]), write_one):
            self.set_aside(facts(thing), why)
        return [thing for thing, _ in written]

    def put(
        self,
        content: RunContent,
        known: MutableMapping[str, "Run"],
        before_end: Callable[["Run"], None] = lambda _run: None,
    ) -> "Run":
        """Make the run that is not among the `known` ones, or make that one what it shall be.

        While it is at work, and until `before_end` has done its part, the run says that it is running.
        Doing it again changes nothing.
        """
        run = self.begun(content, known)
        if not is_half_written(run):
            repeated(lambda: self._client.update_run(run.info.run_id, status="RUNNING"))
        self._fill(run, content)
        before_end(run)
        self.end(run, content)
        self.progress += 1
        return run

    def begun(self, content: RunContent, known: MutableMapping[str, "Run"]) -> "Run":
        """The known run; else one with its name, its tags and its beginning, still running."""
        if content.key not in known:
            known[content.key] = self._create(content)
        return known[content.key]

    def end(self, run: "Run", content: RunContent) -> None:
        """Say that the run is whole."""
        ended_ms = milliseconds(content.ended_at)
        status = "FAILED" if content.failed else "FINISHED"
        repeated(lambda: self._client.set_terminated(run.info.run_id, status, ended_ms))

    def set_aside(self, facts: Iterable[Fact], why: Exception) -> None:
        """Keep facts that cannot be delivered."""
        self.refused += 1
        self._dead_letters.set_aside(facts, why)

    def _create(self, content: RunContent) -> "Run":
        run = self._client.create_run(
            self.experiment_id,
            start_time=milliseconds(content.started_at),
            run_name=content.name[:_NAME_LIMIT],
            tags={KEY_TAG: content.key, **_known(content.tags)},
        )
        self.created += 1
        return run

    def _fill(self, run: "Run", content: RunContent) -> None:
        from mlflow.entities import Metric, Param, RunTag

        ended_ms = milliseconds(content.ended_at)
        tags = {key: value for key, value in _known(content.tags).items() if run.data.tags.get(key) != value}
        repeated(
            lambda: self._client.log_batch(
                run.info.run_id,
                metrics=[Metric(key, value, ended_ms, 0) for key, value in _known(content.metrics).items()],
                params=[Param(key, value) for key, value in _known(content.params).items()],
                tags=[RunTag(key, value) for key, value in tags.items()],
            ),
        )
        self.answered = True
        texts = {name: text for name, text in _known(content.texts).items() if text}
        if texts:
            self._log_texts(run, texts)

    def _log_texts(self, run: "Run", texts: Mapping[str, str]) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        # the client's own way asks the server once more where a run's artifacts are
        repository = get_artifact_repository(run.info.artifact_uri, tracking_uri=self._destination.uri)
        with TemporaryDirectory(prefix="examsgraph-") as folder:
            for name, text in texts.items():
                Path(folder, name).write_text(text, encoding="utf-8")
            repeated(lambda: repository.log_artifacts(folder))  # type: ignore[no-untyped-call]

    def _touch(self, run: "Run") -> None:
        repeated(lambda: self._client.set_tag(run.info.run_id, KEY_TAG, run.data.tags[KEY_TAG]))


def _rank(run: "Run") -> tuple[bool, bool, str]:
    return is_deleted(run), is_half_written(run), run.info.run_id


def _is_empty(run: "Run") -> bool:
    return is_half_written(run) and not (is_deleted(run) or run.data.metrics or run.data.params)


def _known(values: Mapping[str, T | None]) -> dict[str, T]:
    return {key: value for key, value in values.items() if value is not None}


def _spans_of_time(moments: list[int]) -> Iterator[tuple[int, int]]:
    """The first and the last (ms) of moments that are near to each other; they come sorted."""
    first = last = None
    for moment in moments:
        if first is None or last is None or moment - last > _NEAR_MS:
            if first is not None and last is not None:
                yield first, last
            first = moment
        last = moment
    if first is not None and last is not None:
        yield first, last
