"""The engine that answers: DuckDB, with nothing to start, or any other that Ibis speaks to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError
from examsgraph_callbacks.journal.store import Remote, Store

if TYPE_CHECKING:
    import ibis
    from ibis.backends import BaseBackend

__all__ = ["connect", "read_parquet"]


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


def read_parquet(backend: "BaseBackend", files: Sequence[str], store: Store) -> "ibis.Table":
    """A table of the rows of Parquet files (one or more), wherever they are."""
    if backend.name == "pyspark":
        from ibis.util import gen_name

        name = gen_name("examsgraph")
        # Ibis would read them one by one
        backend._session.read.parquet(*files).createOrReplaceTempView(name)  # noqa: SLF001
        return backend.table(name)
    if backend.name == "duckdb":
        if isinstance(store, Remote) and store.scheme not in backend.con.list_filesystems():
            backend.register_filesystem(store.filesystem)
        return backend.read_parquet(list(files))
    tables = [backend.read_parquet(file) for file in files]
    return tables[0].union(*tables[1:]) if len(tables) > 1 else tables[0]


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
