"""What all verbs share: how a group looks, options that several have, and how an error is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from examsgraph_callbacks.measure import Meter

__all__ = [
    "JournalOption",
    "PolicyOption",
    "PricesOption",
    "TrackingUriOption",
    "errors_in_one_line",
    "meter_of",
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
    Path | None, typer.Option(help="A TOML file of [[prices]] that hold before the public list.")
]
PolicyOption = Annotated[
    Path | None, typer.Option(help="A TOML file whose [routing] says which models a task may use.")
]


def meter_of(prices: Path | None, policy: Path | None) -> "Meter":
    """Measures by the files that were given, else by the public list and the product's own policy."""
    from examsgraph_callbacks.measure import Meter, PriceList, load_policy, load_prices

    return Meter(
        PriceList(load_prices(prices)) if prices else None,
        load_policy(policy) if policy else None,
    )


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
