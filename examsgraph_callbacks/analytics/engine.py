"""The engine that answers: DuckDB, with nothing to start, or any other that Ibis speaks to."""

from collections.abc import Sequence
from functools import lru_cache
from tempfile import gettempdir
from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError
from examsgraph_callbacks.journal.store import Remote, Store

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from ibis.backends import BaseBackend

__all__ = ["connect", "named", "read_parquet"]

_MEMORY = "2GB"
"""Beyond this DuckDB works on the disk: it may run beside a server that has other things to do."""

_FILES = 65_536  # whose columns are remembered


def connect(engine: str) -> "BaseBackend":
    """A connection to `duckdb`, `pyspark` (in this process), or what an Ibis URL names.

    Raises `MissingExtraError` where its library is not installed, and `InvalidInputError` for a URL that
    Ibis does not know.
    """
    import ibis

    if engine == "duckdb":
        # rows without an order of their own need not keep that of the files, which takes memory
        return ibis.duckdb.connect(
            memory_limit=_MEMORY, temp_directory=gettempdir(), preserve_insertion_order=False
        )
    if engine == "pyspark":
        return _spark()
    try:
        return ibis.connect(engine)
    except (ValueError, NotImplementedError, ibis.IbisError) as error:
        raise InvalidInputError(
            f"expected EXAMSGRAPH_ENGINE to be duckdb, pyspark or the URL of an Ibis backend, "
            f"got {engine!r} ({error})",
        ) from error


def read_parquet(
    backend: "BaseBackend", files: Sequence[str], store: Store, columns: "pa.Schema"
) -> "ibis.Table":
    """The `columns` of Parquet files (one or more), wherever they are.

    A file may be older than a column, which is null in it.
    """
    if backend.name == "pyspark":
        from ibis.util import gen_name

        name = gen_name("examsgraph")
        # Ibis would read them one by one
        reader = backend._session.read.option("mergeSchema", "true")  # noqa: SLF001
        reader.parquet(*files).createOrReplaceTempView(name)
        return _of_columns(backend.table(name), columns)
    if backend.name == "duckdb":
        if isinstance(store, Remote) and store.scheme not in backend.con.list_filesystems():
            backend.register_filesystem(store.filesystem)
        # taking columns by their names costs time and memory for each file: of 2,000 a third of a question
        by_name = isinstance(store, Remote) or len({_names(file) for file in files}) > 1
        return _of_columns(backend.read_parquet(list(files), union_by_name=by_name), columns)
    tables = [_of_columns(backend.read_parquet(file), columns) for file in files]
    return tables[0].union(*tables[1:]) if len(tables) > 1 else tables[0]


@lru_cache(maxsize=_FILES)
def _names(file: str) -> frozenset[str]:
    """The columns of a file, which is never changed; none where it cannot be read, which DuckDB tells."""
    from pyarrow import ArrowException, parquet

    try:
        return _once(frozenset(parquet.read_schema(file).names))
    except (OSError, ArrowException):
        return frozenset()


@lru_cache
def _once(names: frozenset[str]) -> frozenset[str]:
    """The same names as one object: nearly all files have the same, and there may be thousands."""
    return names


def _of_columns(table: "ibis.Table", columns: "pa.Schema") -> "ibis.Table":
    import ibis

    missing = set(columns.names) - set(table.columns)
    types = ibis.Schema.from_pyarrow(columns)
    return table.select(
        **{name: ibis.null(types[name]) if name in missing else table[name] for name in columns.names}
    )


def named(backend: "BaseBackend", name: str, table: "ibis.Table") -> "ibis.Table":
    """The same rows under a name, which goes for the table that had it before.

    Of an expression that a question uses twice DuckDB keeps every row in memory; a name it reads twice.
    """
    return backend.create_view(name, table, overwrite=True) if backend.name == "duckdb" else table


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
