"""Reads one table of a TOML file into values, with errors that name the file and the place in it."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["read_table"]

T = TypeVar("T")


def read_table(path: str | Path, table: str, values: TypeAdapter[T]) -> T:
    """The table `table` of the TOML file at `path`, its decimal numbers exact.

    Other tables are left alone, so that prices and routing may share a file. Raises `InvalidInputError`
    where the file, the table or a value in it is not what was expected.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise InvalidInputError(f"expected a TOML file at {path}, could not read it: {error}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise InvalidInputError(f"expected TOML in {path}, found: {error}") from error
    if table not in content:
        found = ", ".join(content) or "nothing"
        raise InvalidInputError(f"expected [{table}] in {path}, found {found}: add the table or rename it")
    try:
        return values.validate_python(content[table])
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, (table, *problem["loc"])))
        raise InvalidInputError(
            f"{place} in {path}: {problem['msg']}, found {problem['input']!r}",
        ) from error
