"""`examsgraph recording` and `examsgraph replay`: recordings, and what their calls would have cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from examsgraph_callbacks.cli.common import PricesOption, errors_in_one_line, new_group

if TYPE_CHECKING:
    from examsgraph_callbacks.measure import Assumptions

__all__ = ["recording", "replay"]

recording = new_group("recording")

PlaceArgument = Annotated[
    Path,
    typer.Argument(help="A recording, or a journal's directory.", show_default=False),
]


@recording.callback()
def of_recordings() -> None:
    """Cut recordings out of a journal, look at them and verify them.

    \b
    Examples:
        examsgraph recording export --trace 3fa2b1c8 -o lesson.egrec.jsonl
        examsgraph recording verify lesson.egrec.jsonl
    """  # noqa: D301


@recording.command()
def export(
    *,
    source: Annotated[
        Path | None,
        typer.Argument(help="A journal, or a recording; else EXAMSGRAPH_JOURNAL.", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file, compressed if it ends in .gz.")],
    trace: Annotated[
        list[str] | None, typer.Option(help="A turn's trace_id, or how it begins; may be given again.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="What began at or after this time, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="What began before this time, UTC.")] = None,
) -> None:
    """Cut a recording out of a journal: one file that plays anywhere, with secrets taken out once more.

    To be played to a live chain it needs whole documents and vectors, which a journal holds where it was
    written with these:

    \b
    EXAMSGRAPH_DOCUMENT_LIMIT=1000000
    EXAMSGRAPH_CAPTURE_EMBEDDINGS=true

    \b
    Examples:
        examsgraph recording export -o all.egrec.jsonl.gz
        examsgraph recording export --trace 3fa2b1c8 -o lesson.egrec.jsonl
        examsgraph recording export --since 2026-01-15 --until 2026-01-16 -o day.egrec.jsonl
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, Selection, export_recording, moment
        from examsgraph_callbacks.settings import current_settings

        selection = Selection(tuple(trace or ()), moment(since), moment(until))
        export_recording(source or current_settings().journal, Screen(), selection, output)


@recording.command()
def show(place: PlaceArgument) -> None:
    """Show what is in a recording, and what of it cannot be played.

    \b
    Example:
        examsgraph recording show lesson.egrec.jsonl
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, show_recording

        show_recording(place, Screen())


@recording.command()
def verify(place: PlaceArgument) -> None:
    """Verify hashes, order and schema, and search every text for secrets; exit code 1 where one fails.

    \b
    Example:
        examsgraph recording verify lesson.egrec.jsonl
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, verify_recording

        verify_recording(place, Screen())


def replay(
    *,
    place: PlaceArgument,
    prices: PricesOption = None,
    as_of: Annotated[str | None, typer.Option(help="The day whose prices hold, as 2026-07-01.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model in another's place, as gpt-4o=gpt-4o-mini; may be given again."),
    ] = None,
    route_policy: Annotated[
        Path | None, typer.Option(help="A TOML file whose [routing] says which models a task may use.")
    ] = None,
    similarity_threshold: Annotated[
        float | None, typer.Option(help="Paths: follow no hop that scores below this (0 to 1).")
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Paths: levels.")] = None,
    max_hops: Annotated[int | None, typer.Option(help="Paths: followed hops in all.")] = None,
    beam_width: Annotated[int | None, typer.Option(help="Paths: followed hops on one level.")] = None,
    fan_out: Annotated[int | None, typer.Option(help="Paths: hops of one concept that get in.")] = None,
    calls: Annotated[bool, typer.Option("--calls", help="Show each call too.")] = False,
    to_mlflow: Annotated[
        str | None, typer.Option(help="Fill the MLflow at this address instead, with the recorded times.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON; with --calls a line each.")] = False,
) -> None:
    """Measure a recording again: what its calls cost, and what they would have cost.

    Nothing is asked of any model, so where one takes another's place the same tokens are assumed. It is at
    the same provider, unless it is written provider/model. What was reported, estimated, answered by a
    cache and has no price is kept apart.

    \b
    Examples:
        examsgraph replay lesson.egrec.jsonl
        examsgraph replay .examsgraph/journal --model gpt-4o=gpt-4o-mini --calls
        examsgraph replay lesson.egrec.jsonl --prices contract.toml --as-of 2026-07-01
        examsgraph replay lesson.egrec.jsonl --similarity-threshold 0.8
        examsgraph replay lesson.egrec.jsonl --to-mlflow http://localhost:5000
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, replay_to_mlflow, show_path_replay, show_remeasured
        from examsgraph_callbacks.errors import InvalidInputError
        from examsgraph_callbacks.events import RetrievalParams
        from examsgraph_callbacks.measure import configured_meter

        recorded = configured_meter()
        then = configured_meter(prices, route_policy) if prices or route_policy else recorded
        assumptions = _assumptions(model or [], as_of)
        bounds = RetrievalParams(
            similarity_threshold=similarity_threshold,
            depth=depth,
            max_hops=max_hops,
            beam_width=beam_width,
            fan_out=fan_out,
        )
        screen = Screen()
        if to_mlflow is not None:
            if model or as_of or bounds != RetrievalParams():
                raise InvalidInputError(
                    "expected --to-mlflow with --prices and --route-policy at most, got an assumption with "
                    "it: MLflow is filled with what happened; leave --model, --as-of and bounds out",
                )
            replay_to_mlflow(place, screen, to_mlflow, then)
            return
        assumes = bool(prices or as_of or model or route_policy or calls)
        if bounds == RetrievalParams() or assumes:
            show_remeasured(place, screen, (recorded, then), assumptions, each=calls, as_json=json)
        if bounds != RetrievalParams():
            show_path_replay(place, screen, bounds, as_json=json)


def _assumptions(models: list[str], as_of: str | None) -> "Assumptions":
    from datetime import date

    from examsgraph_callbacks.errors import InvalidInputError
    from examsgraph_callbacks.measure import Assumptions

    swaps: dict[str, str] = {}
    for told in models:
        name, equals, instead = told.partition("=")
        if not (name and equals and instead):
            raise InvalidInputError(f"expected --model as gpt-4o=gpt-4o-mini, got {told!r}: name two models")
        swaps[name] = instead
    try:
        day = None if as_of is None else date.fromisoformat(as_of)
    except ValueError as error:
        raise InvalidInputError(f"expected a day such as 2026-07-01, got {as_of!r}: {error}") from error
    return Assumptions(swaps, day)
