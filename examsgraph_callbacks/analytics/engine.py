"""The engine that answers: DuckDB, with nothing to start, or any other that Ibis speaks to."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from ibis.backends import BaseBackend

__all__ = ["connect"]


def connect(engine: str) -> "BaseBackend":
    """A connection to `duckdb`, `pyspark` (in this process), or what an Ibis URL names.

    Raises `MissingExtraError` where its library is not installed, and `InvalidInputError` for a URL that
    Ibis does not know.
    """
    import ibis

    if engine == "duckdb":
        return ibis.duckdb.connect()
    if engine == "pyspark":
        return _spark()
    try:
        return ibis.connect(engine)
    except (ValueError, NotImplementedError, ibis.IbisError) as error:
        raise InvalidInputError(
            f"expected EXAMSGRAPH_ENGINE to be duckdb, pyspark or the URL of an Ibis backend, "
            f"got {engine!r} ({error})",
        ) from error


def _spark() -> "BaseBackend":
    import ibis

    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise MissingExtraError("pyspark", "spark") from error
    session = (
        SparkSession.builder.appName("examsgraph")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    return ibis.pyspark.connect(session)
