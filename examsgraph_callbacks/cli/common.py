"""What all verbs share: how a group looks, options that several have, and how an error is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "JournalOption",
    "PolicyOption",
    "PricesOption",
    "TrackingUriOption",
    "errors_in_one_line",
    "new_group",
]

JournalOption = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        help="The journal's directory; else EXAMSGRAPH_JOURNAL, else ./.examsgraph/journal.",
    ),
]
TrackingUriOption = Annotated[
    str | None,
    typer.Option(
        help="MLflow's address or database; else MLFLOW_TRACKING_URI, else mlflow.db beside the journal.",
    ),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(
        help="A TOML file of [[prices]] that hold before the public list; else EXAMSGRAPH_PRICES, else none."
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        help="A TOML file whose [routing] says which models a task may use; else EXAMSGRAPH_POLICY, else "
        "the product's own."
    ),
]


def new_group(name: str) -> typer.Typer:
    """A group of verbs, which shows its help where none is named; its callback says what it is for."""
    return typer.Typer(
        name=name,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """An error that this package raises on purpose ends the command with its sentence and exit code 1."""
    from pydantic import ValidationError

    from examsgraph_callbacks.console import Screen
    from examsgraph_callbacks.errors import ExamsGraphError

    try:
        yield
    except ExamsGraphError as error:
        Screen().fail(" ".join(str(error).split()))
    except ValidationError as error:
        if error.title != "Settings":
            raise
        problem = error.errors()[0]
        variable = f"EXAMSGRAPH_{problem['loc'][0]}".upper()
        Screen().fail(f"{variable}: {problem['msg']}, found {problem['input']!r}")
    else:
        return
    raise typer.Exit(1)
