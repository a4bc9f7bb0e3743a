"""One exploration as a person asks for it: shown, drawn into files, or asked what other bounds would do."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from examsgraph_callbacks.analytics import find_exploration
from examsgraph_callbacks.console.paths import render_exploration
from examsgraph_callbacks.console.reading import read_under_bar
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.console.what_if import render_what_if, render_what_if_report
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams
from examsgraph_callbacks.graph import WhatIf, WhatIfReport, WhatIfTally, path_artifact, what_if
from examsgraph_callbacks.graph.pictures import draw_svg, path_page
from examsgraph_callbacks.journal import Journal

__all__ = ["PathFiles", "Wanted", "report_as_json", "show_path", "show_what_if"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exploration is meant: by its `event_id` or how that begins, as the last, or by its question.

    Raises `InvalidInputError` where it is named in two ways.
    """

    event_id: str | None = None
    last: bool = False
    question_id: str | None = None

    def __post_init__(self) -> None:
        if sum((self.event_id is not None, self.last, self.question_id is not None)) > 1:
            raise InvalidInputError(
                "expected one way to name an exploration, got two: keep its event_id, --last or --question",
            )

    @property
    def is_named(self) -> bool:
        """Whether one is meant at all."""
        return self.event_id is not None or self.last or self.question_id is not None


@dataclass(frozen=True, slots=True)
class PathFiles:
    """The files that are to hold the pictures; None where one is not wanted."""

    svg: Path | None = None
    html: Path | None = None


def show_path(
    journal: Journal,
    screen: Screen,
    wanted: Wanted,
    files: PathFiles,
    *,
    show_rejected: bool,
    as_json: bool,
) -> None:
    """Show an exploration of the journal and write its pictures.

    Raises `InvalidInputError` where none is named or found, and where a file cannot be written.
    """
    if not wanted.is_named:
        raise InvalidInputError(
            "expected an exploration, got none: name its event_id, or pass --last or --question q_001",
        )
    exploration = _found(journal, screen, wanted)
    written = []
    for path, draw in ((files.svg, draw_svg), (files.html, path_page)):
        if path is not None:
            _write(path, draw(exploration))
            written.append(path)
    if as_json:
        screen.say(json.dumps(path_artifact(exploration), ensure_ascii=False, indent=2))
        return
    screen.lay_out(render_exploration(exploration, show_rejected=show_rejected))
    for path in written:
        screen.say(f"wrote {path}")


def show_what_if(
    journal: Journal, screen: Screen, wanted: Wanted, changes: RetrievalParams, *, as_json: bool
) -> None:
    """Show what `changes` would have made of one exploration, or of all where none is named.

    Raises `InvalidInputError` where nothing is changed, a bound makes no sense, or none is found.
    """
    if changes == RetrievalParams():
        raise InvalidInputError(
            "expected a bound to change, got none: pass for example  --similarity-threshold 0.8",
        )
    if wanted.is_named:
        answer = what_if(_found(journal, screen, wanted), changes)
        if as_json:
            screen.say(json.dumps(_answer_as_json(answer), ensure_ascii=False, indent=2))
        else:
            screen.lay_out(render_what_if(answer))
        return
    tally = WhatIfTally(changes)
    with screen.progress("Exploring again from the journal") as advance:
        for fact in read_under_bar(journal, advance):
            tally.add(fact)
    report = tally.report()
    if not report.explorations:
        raise InvalidInputError(
            f"expected explorations in the journal at {journal.path}, found none: name another with "
            "--journal, or run  examsgraph demo",
        )
    if as_json:
        screen.say(json.dumps(report_as_json(report), ensure_ascii=False, indent=2))
    else:
        screen.lay_out(render_what_if_report(report))


def _found(journal: Journal, screen: Screen, wanted: Wanted) -> Exploration:
    with screen.progress("Reading the journal") as advance:
        facts = read_under_bar(journal, advance)
        return find_exploration(facts, wanted.event_id, question_id=wanted.question_id)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(
            f"expected a file that can be written, got {path} ({error.strerror}): name another",
        ) from error


def _answer_as_json(answer: WhatIf) -> dict[str, Any]:
    return {
        "event_id": answer.exploration.event_id,
        "retrieval_params": answer.params.model_dump(exclude_none=True),
        "is_exact": answer.is_exact,
        "why_not_exact": answer.why_not_exact,
        "new_run_for": answer.new_run_for,
        "graph_path": _hops(answer.path),
        "cut": _hops(answer.cut),
        "added": _hops(answer.added),
    }


def report_as_json(report: WhatIfReport) -> dict[str, Any]:
    """All of it, as JSON has it."""
    return {
        **asdict(report),
        "changes": report.changes.model_dump(exclude_none=True),
        "exact_share": report.exact_share,
    }


def _hops(hops: tuple[Hop, ...]) -> list[dict[str, Any]]:
    return [hop.model_dump(mode="json", exclude_none=True, exclude={"verdict"}) for hop in hops]
