"""Where traces and runs go: the tracking URI, how to look at it, and an MLflow opened on it quietly."""

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from examsgraph_callbacks.defaults import SQLITE, absolute
from examsgraph_callbacks.deliver.answers import (
    REFUSALS,
    first_line,
    innermost,
    is_unavailable,
    refuses,
    status_of,
)
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.surroundings import quiet_mlflow
from examsgraph_callbacks.errors import DeliveryError, InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = [
    "REFUSALS",
    "Destination",
    "first_line",
    "is_unavailable",
    "open_destination",
    "refuses",
    "status_of",
    "ui_command",
    "without_credentials",
]

OLDEST_SERVER = (3, 15)
"""Of the versions tried, 3.15 to 3.17 keep a trace's tokens and cost when it is sent again; 3.10 and 3.14
add them up once more."""

_SERVERS = ("http://", "https://")
_DATABASES = (SQLITE, "postgresql", "mysql", "mssql")
_PROBE_TIMEOUT_SECONDS = 10


def ui_command(tracking_uri: str, port: int = 5000) -> str:
    """The one command that opens MLflow's UI on a database; for a server, the address to open.

    A database's artifacts are found wherever the command is run.
    """
    uri = absolute(tracking_uri)
    if uri.startswith(_SERVERS):
        return f"open {without_credentials(uri)} in a browser"
    root = _artifact_root(uri)
    artifacts = [] if root is None else ["--default-artifact-root", root.as_uri()]
    return shlex.join(["mlflow", "ui", "--backend-store-uri", uri, *artifacts, "--port", str(port)])


class Destination:
    """An MLflow that traces and runs are delivered to; made by `open_destination`."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.shown = without_credentials(uri)
        self.is_server = uri.startswith(_SERVERS)
        self._experiment_ids: dict[str, str] = {}
        self.client: MlflowClient = self._connect()

    def experiment_id(self, name: str) -> str:
        """The experiment's id; it is made where there is none.

        Raises `DeliveryError` where it lies in MLflow's trash.
        """
        from mlflow.exceptions import MlflowException

        if name not in self._experiment_ids:
            try:
                # a name is given once: what is made a second time is refused, and found the third time
                self._experiment_ids[name] = repeated(lambda: self._find_or_create(name))
            except MlflowException as error:
                raise self.unreachable(error) from error
        return self._experiment_ids[name]

    def experiment_url(self, name: str) -> str | None:
        """The experiment's page; None where there is no server to show it."""
        if not self.is_server:
            return None
        return f"{self.shown}/#/experiments/{self.experiment_id(name)}"

    def unreachable(
        self, why: BaseException | str, retry_after_seconds: float | None = None
    ) -> DeliveryError:
        """The error for a destination that went away, or answered with an error of its own."""
        kind = "server" if self.is_server else "database"
        said = why if isinstance(why, str) else innermost(why)
        return DeliveryError(
            f"expected the MLflow {kind} at {self.shown} to take what is delivered, got {said}: "
            "see to it and ship again, nothing is lost",
            retry_after_seconds,
        )

    def request(
        self,
        method: str,
        path: str,
        timeout_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, str]:
        """One HTTP request to the server, with MLflow's own login; its answer's status and text.

        It waits for `MLFLOW_HTTP_REQUEST_TIMEOUT` seconds, else for `timeout_seconds` where that is less.
        Raises `MlflowException` where no answer comes, and `DeliveryError` where the server asks to be left
        alone for a while.
        """
        from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        longest = int(MLFLOW_HTTP_REQUEST_TIMEOUT.get())  # type: ignore[no-untyped-call]
        answer = http_request(  # type: ignore[no-untyped-call]
            get_default_host_creds(self.uri),  # type: ignore[no-untyped-call]
            path,
            method,
            max_retries=0,
            extra_headers=headers,
            data=body,
            timeout=min(longest, timeout_seconds or longest),
            raise_on_status=False,
        )
        if answer.status_code in (429, 503):
            why = f"HTTP {answer.status_code}: {answer.text.strip()[:200]}"
            raise self.unreachable(why, _seconds(answer.headers.get("Retry-After")))
        return int(answer.status_code), str(answer.text)

    def _connect(self) -> "MlflowClient":
        from mlflow import MlflowClient

        if self.is_server:
            self._expect_a_server()
        try:
            if self.uri.startswith(SQLITE):
                Path(self.uri.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
            if not self.is_server and not self.uri.startswith(SQLITE):
                self._connect_once()
            return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        except ImportError as error:
            if not self.uri.startswith("postgresql"):
                raise
            raise MissingExtraError(error.name or "a PostgreSQL driver", "postgres") from error
        except Exception as error:  # a database's driver raises what it likes
            raise DeliveryError(
                f"expected an MLflow database at {self.shown}, could not open it "
                f"({first_line(error)}): correct that and ship again, nothing is lost",
            ) from error

    def _connect_once(self) -> None:
        """MLflow tries a database server that is down for 100 s before it says so."""
        from mlflow.store.db.utils import create_sqlalchemy_engine

        engine = create_sqlalchemy_engine(self.uri)  # type: ignore[no-untyped-call]
        engine.connect().close()
        engine.dispose()

    def _expect_a_server(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            status, text = repeated(lambda: self.request("GET", "/version", _PROBE_TIMEOUT_SECONDS))
        except MlflowException as error:
            raise DeliveryError(
                f"expected an MLflow server at {self.shown}, no answer came "
                f"({innermost(error)}): start it or correct MLFLOW_TRACKING_URI, and ship again; "
                "nothing is lost",
            ) from error
        version = re.match(r"(\d+)\.(\d+)", text) if status == 200 else None
        if version is None or (int(version[1]), int(version[2])) < OLDEST_SERVER:
            raise DeliveryError(
                f"expected an MLflow server of version {'.'.join(map(str, OLDEST_SERVER))} or newer "
                f"at {self.shown}, its /version answered HTTP {status}: {text.strip()[:80]!r}; "
                "correct MLFLOW_TRACKING_URI or upgrade the server, and ship again; nothing is lost",
            )

    def _find_or_create(self, name: str) -> str:
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            root = _artifact_root(self.uri)
            location = None if root is None else (root / name).as_uri()
            return str(self.client.create_experiment(name, artifact_location=location))
        if experiment.lifecycle_stage != "active":
            raise DeliveryError(
                f"expected the experiment {name} at {self.shown} to be active, it is deleted: restore it "
                f"with  mlflow experiments restore --experiment-id {experiment.experiment_id}",
            )
        return str(experiment.experiment_id)


@contextmanager
def open_destination(tracking_uri: str) -> Iterator[Destination]:
    """An MLflow opened on a server or a database, which is made where there is none.

    While it is open, MLflow is quiet in this process (see `quiet_mlflow`). Raises `InvalidInputError` for
    a URI that holds no traces, `DeliveryError` where MLflow does not answer.
    """
    uri = absolute(tracking_uri)
    if not uri.startswith((*_SERVERS, *_DATABASES)) or ":memory:" in uri:
        raise InvalidInputError(
            f"expected the address of an MLflow server or of a database that lasts, got "
            f"{without_credentials(tracking_uri)!r}: use a server, a local folder, or a database such as "
            f"{SQLITE}mlflow.db",
        )
    with quiet_mlflow():
        yield Destination(uri)


def without_credentials(uri: str) -> str:
    """The URI as it may be shown."""
    return re.sub(r"://[^/@]*@", "://", uri)


def _seconds(retry_after: str | None) -> float | None:
    """The seconds in an answer's `Retry-After`; None where it has none, or names a date."""
    return float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else None


def _artifact_root(uri: str) -> Path | None:
    """The folder of a local database's artifacts, beside it; None leaves the place to MLflow."""
    if not uri.startswith(SQLITE):
        return None
    return Path(uri.removeprefix(SQLITE)).parent / "mlflow-artifacts"
