"""An exploration as a page of one file, for a frame that may run scripts and reach nothing."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any

from examsgraph_callbacks.events import Exploration, Hop
from examsgraph_callbacks.graph.drawing import shown_score
from examsgraph_callbacks.graph.pictures.svg import bounds_in_words, draw_svg
from examsgraph_callbacks.graph.pictures.text import shown
from examsgraph_callbacks.graph.pictures.tree import path_tree, strange_hops
from examsgraph_callbacks.graph.what_if import WhatIf, sweep_thresholds

__all__ = ["THRESHOLDS", "path_page"]

THRESHOLDS = tuple(round(0.50 + step / 100, 2) for step in range(46))
"""The similarity thresholds that the page's slider offers, on the exploration's own scale: 0.50 to 0.95."""

_States = dict[int, tuple[str, int | None]]


def path_page(exploration: Exploration) -> str:
    """The picture, what each of `THRESHOLDS` would have followed, and a table of the hops; HTML.

    The thresholds are worked out here, by `sweep_thresholds`; the page only shows them, and says where
    an answer is not exact. It loads nothing, stores nothing and needs no other file.
    """
    recorded = exploration.retrieval_params.similarity_threshold
    offered = set(THRESHOLDS)
    if recorded is not None and THRESHOLDS[0] <= recorded <= THRESHOLDS[-1]:
        offered.add(recorded)
    answers = sweep_thresholds(exploration, sorted(offered))
    states = [_states(answer) for answer in answers]
    always_shown = {index for state in states for index, (word, _) in state.items() if word == "added"}
    page = Template((files("examsgraph_callbacks.graph.pictures") / "page.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=_html(exploration.query or exploration.wrong_concept or "Exploration"),
        about=_html(_about(exploration)),
        bounds=_html(bounds_in_words(exploration) or "bounds that were not recorded"),
        last=len(answers) - 1,
        start=_start(answers, recorded),
        lowest=_shown(THRESHOLDS[0]),
        highest=_shown(THRESHOLDS[-1]),
        recorded="not recorded" if recorded is None else _shown(recorded),
        svg=draw_svg(exploration, always_shown=always_shown, has_heading=False, has_signs=True),
        rows="\n".join(_rows(exploration)),
        ranges="\n".join(_ranges(answers)),
        explanation=_explanation(exploration),
        results=_json(_results(answers, states, recorded)),
    )


def _results(answers: Sequence[WhatIf], states: Sequence[_States], recorded: float | None) -> dict[str, Any]:
    """The different results once each, and for each threshold which of them is its."""
    results: list[dict[str, Any]] = []
    positions: dict[str, int] = {}
    at = []
    for answer, state in zip(answers, states, strict=True):
        result = {"said": _said(answer), "exact": answer.is_exact, "states": state}
        key = json.dumps(result, ensure_ascii=False)
        if key not in positions:
            positions[key] = len(results)
            results.append(result)
        threshold = answer.params.similarity_threshold
        as_recorded = " (as recorded)" if threshold == recorded else ""
        at.append([f"{_shown(threshold)}{as_recorded}", positions[key]])
    return {"results": results, "at": at}


def _states(answer: WhatIf) -> _States:
    """What becomes of each hop that is on the recorded path or would be on the new one, and on which level.

    `stays`, `cut`, `added`, or `open` where only a new run would tell.
    """
    hops = answer.exploration.hops
    positions: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, hop in enumerate(hops):
        positions[_relation(hop)].append(index)
    states: _States = {
        index: ("cut" if answer.is_exact or hop in answer.cut else "open", None)
        for index, hop in enumerate(hops)
        if hop.verdict == "followed"
    }
    # a path that was told may take a relation twice
    taken: Counter[tuple[str, ...]] = Counter()
    for hop in answer.path:
        relation = _relation(hop)
        index = positions[relation][min(taken[relation], len(positions[relation]) - 1)]
        taken[relation] += 1
        level = hop.depth if answer.exploration.source == "explorer" else None  # else not told by all
        states[index] = ("stays" if index in states else "added", level)
    return dict(sorted(states.items()))


def _said(answer: WhatIf) -> str:
    """What a threshold does, in sentences."""
    before = sum(hop.verdict == "followed" for hop in answer.exploration.hops)
    stays = len(answer.path) - len(answer.added)
    if answer.params == answer.exploration.retrieval_params and answer.is_exact:
        return f"As recorded: {_count(before, 'hop')} followed."
    if answer.exploration.source != "explorer" and not answer.is_exact:
        return f"Not exact: {answer.why_not_exact}. Of {_count(before, 'hop')} {stays} would remain."
    said = (
        f"{stays} of {_count(before, 'hop')} followed as before, {len(answer.cut)} cut, "
        f"{len(answer.added)} added"
    )
    if answer.is_exact:
        return f"{said}. Exact: a new run would come to the same."
    return f"Not exact: {answer.why_not_exact}. Certain until then: {said}."


def _ranges(answers: Iterable[WhatIf]) -> Iterator[str]:
    """Table rows: from which to which threshold the result is the same, and what it is."""
    for (said, path), group in groupby(answers, key=lambda answer: (_said(answer), answer.path)):
        same = [_shown(answer.params.similarity_threshold) for answer in group]
        span = same[0] if len(same) == 1 else f"{same[0]} to {same[-1]}"
        reached = ", ".join(hop.next_node for hop in path) or "none"
        yield f"<tr><td>{span}</td><td>{_html(said)}</td><td>{_html(reached)}</td></tr>"


def _rows(exploration: Exploration) -> Iterator[str]:
    """Table rows: each hop that was looked at, in the order of judgement."""
    strange = strange_hops(exploration)
    # who tells a path need not say its hops' depths
    levels = {arrival.hop: arrival.level for arrival in path_tree(exploration)}
    for index, hop in enumerate(exploration.hops):
        kind = "strange" if index in strange else "followed" if hop.verdict == "followed" else "rejected"
        verdict = hop.verdict.replace("_", " ")
        if index in strange:
            verdict += f"; ⚠ {', '.join(strange[index])}"
        relation = f"{hop.relation} →" if hop.direction == "out" else f"← {hop.relation}"
        cells = (hop.node, relation, hop.next_node)
        named = "".join(f"<td>{_html(cell)}</td>" for cell in cells)
        yield (
            f'<tr class="{kind}" data-hop="{index}"><td>{levels.get(index, hop.depth)}</td>{named}'
            f"<td>{shown_score(hop.similarity_score)}</td><td>{shown_score(hop.edge_similarity)}</td>"
            f'<td>{_html(verdict)}</td><td class="state"></td></tr>'
        )


def _about(exploration: Exploration) -> str:
    told = {
        "question": exploration.question_id,
        "wrong concept": exploration.wrong_concept,
        "explored at": f"{exploration.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "of": exploration.backend,
        "failed with": exploration.error_type,
        "not captured": "; ".join(exploration.uncaptured),
    }
    if exploration.source != "explorer":
        told["told by"] = f"the {exploration.source}, which knows the followed hops only"
    return ", ".join(f"{name} {value}" for name, value in told.items() if value)


def _explanation(exploration: Exploration) -> str:
    if not exploration.final_explanation:
        return ""
    return (
        "<details><summary>What the learner was told</summary>"
        f'<p class="told">{escape(exploration.final_explanation)}</p></details>'
    )


def _start(answers: Sequence[WhatIf], recorded: float | None) -> int:
    """The slider's first place: the recorded threshold, or the nearest one that is offered."""
    wanted = THRESHOLDS[0] if recorded is None else recorded
    distances = [abs((answer.params.similarity_threshold or 0.0) - wanted) for answer in answers]
    return distances.index(min(distances))


def _json(value: Any) -> str:
    """JSON that no HTML parser takes for markup, Korean as it is."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate({ord(unsafe): f"\\u{ord(unsafe):04x}" for unsafe in "<>&\u2028\u2029"})


def _html(text: str) -> str:
    return escape(shown(text))


def _shown(threshold: float | None) -> str:
    # a recorded threshold may have more than two decimals, and none is rounded to another one
    return "?" if threshold is None else max(f"{threshold:.2f}", f"{threshold:g}", key=len)


def _relation(hop: Hop) -> tuple[str, ...]:
    return hop.node, hop.relation, hop.next_node, hop.direction


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
