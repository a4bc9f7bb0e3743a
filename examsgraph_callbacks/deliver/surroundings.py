"""What is changed in this process while MLflow is delivered to, and put back: variables, a logger's level."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["logger_at", "mlflow_turned_to", "quiet_mlflow"]

_WHERE_UNSET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # without it MLflow tries to download a price list, which stalls for 6 to 27 s with no network
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # PostgreSQL's own client waits for a host that is away for as long as the network's retries last
    "PGCONNECT_TIMEOUT": "30",
}
_ALWAYS = {
    # a repeated "create run", whose first answer was lost, makes a second run: the next ship repeats
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}

_URI_VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")

_lock = threading.Lock()
_turned = threading.Lock()
_open = 0
_changes = ExitStack()


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """While it is open, MLflow uses no terminal, no network but its server's, and repeats no request.

    That holds for the whole process. All is as it was once the last of those that are open at the same
    time is closed, in whatever order.
    """
    global _open, _changes  # noqa: PLW0603 - the environment is the process's own
    with _lock:
        if _open == 0:
            _changes = _changed()
        _open += 1
    try:
        yield
    finally:
        with _lock:
            _open -= 1
            if _open == 0:
                _changes.close()


def _changed() -> ExitStack:
    with ExitStack() as changes:
        changes.enter_context(_environment())
        import mlflow  # noqa: F401 - MLflow sets up its loggers when it is imported

        # it tells of each table's making, and logs whole tracebacks of what it raises anyway
        changes.enter_context(logger_at("mlflow.store.db.utils", logging.CRITICAL))
        return changes.pop_all()


@contextmanager
def _environment() -> Iterator[None]:
    unset = {name: value for name, value in _WHERE_UNSET.items() if name not in os.environ}
    with _variables_kept(*unset, *_ALWAYS):
        os.environ.update(unset)
        os.environ.update(_ALWAYS)
        yield


@contextmanager
def _variables_kept(*names: str) -> Iterator[None]:
    """Whatever becomes of these variables meanwhile, they are as they were afterwards."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def mlflow_turned_to(uri: str) -> Iterator[None]:
    """MLflow's fluent interface, which the whole process has in common, turned to this tracking URI.

    The host's own tracking and registry URIs, set or in its environment or neither, are as they were
    afterwards. Who asks while it is turned already waits until it is turned back.
    """
    import mlflow
    from mlflow.tracking._model_registry import utils as registry
    from mlflow.tracking._tracking_service import utils as tracking

    with _turned, _variables_kept(*_URI_VARIABLES):
        # not what MLflow makes of them: a URI of the environment, or by default, is not to become a set one
        set_uri, registry_uri = tracking._tracking_uri, registry._registry_uri  # noqa: SLF001
        mlflow.set_tracking_uri(uri)
        try:
            yield
        finally:
            mlflow.set_tracking_uri(set_uri)  # type: ignore[arg-type]
            registry._registry_uri = registry_uri  # noqa: SLF001


@contextmanager
def logger_at(logger_name: str, level: int) -> Iterator[None]:
    """Have a logger keep to itself what is below `level`."""
    logger = logging.getLogger(logger_name)
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
