"""A report as a page of one file that loads nothing: the verdicts, the intervals drawn, and the arms."""

from collections.abc import Callable, Iterable, Iterator
from html import escape
from importlib.resources import files
from math import isfinite
from string import Template

from examsgraph_callbacks.experiments.metrics import METRICS
from examsgraph_callbacks.experiments.verdicts import Comparison, ExperimentReport
from examsgraph_callbacks.experiments.words import (
    change,
    difference_in_words,
    heading,
    value,
    verdict_in_words,
)

__all__ = ["PAGE_STYLE", "experiment_page"]

_WIDTH, _ROW, _LEFT, _RIGHT = 860.0, 44.0, 200.0, 40.0
_COLOURS = {"better": "#1a7f4b", "worse": "#c0362c", "invalid": "#c98a00"}
_METHOD = (
    "The intervals are repeated confidence intervals of the delta method over learners, under a boundary "
    "that spends the significance as Lan and DeMets do (like O'Brien and Fleming's): looking daily is "
    "allowed. The other metrics have asymptotic confidence sequences, which hold at any time."
)


_PAGE = (files("examsgraph_callbacks.experiments") / "page.html").read_text(encoding="utf-8")

PAGE_STYLE = _PAGE.partition("<style>")[2].partition("</style>")[0]
"""The page's only style, which whoever serves the page may allow by its hash, and nothing else."""


def experiment_page(report: ExperimentReport) -> str:
    """The page; HTML with its own style and pictures, and no script."""
    page = Template(_PAGE)
    others = [
        f"{comparison.variant}: {difference_in_words(other)}"
        for comparison in report.comparisons
        for other in comparison.others
    ]
    return page.substitute(
        title=escape(report.experiment),
        about=escape(heading(report)),
        verdicts="\n".join(_verdicts(report)),
        cautions="\n".join(f'<p class="caution">{escape(caution)}</p>' for caution in report.cautions),
        chart=_chart(report),
        legend=escape(
            f"{METRICS[report.metric].title}, {1 - report.significance:.0%} intervals. The band is the "
            f"smallest difference that matters, {value(report.metric, report.minimum_effect)} to either side."
        ),
        arms=_table(["variant", "planned", "learners", "exposures", "reacted", "95%"], _arms(report)),
        metrics=_table(
            ["variant", *(METRICS[name].title for name in METRICS)],
            ([arm.variant, *(value(name, arm.metrics[name]) for name in METRICS)] for arm in report.arms),
        ),
        others="\n".join(f"<div>{escape(line)}</div>" for line in others) or "<div>Nothing yet.</div>",
        method=escape(_METHOD),
    )


def _verdicts(report: ExperimentReport) -> Iterator[str]:
    for comparison in report.comparisons:
        words = escape(verdict_in_words(report, comparison))
        yield f'<div class="verdict {comparison.verdict.split()[0]}">{words}</div>'


def _arms(report: ExperimentReport) -> Iterator[list[str]]:
    for arm in report.arms:
        rate = arm.response_rate
        yield [
            arm.variant,
            f"{arm.weight:.1%}",
            f"{arm.learners:,}",
            f"{arm.exposures:,}",
            "–" if rate is None else f"{rate.value:.1%}",
            "–" if rate is None else f"{rate.low:.1%} to {rate.high:.1%}",
        ]


def _table(columns: list[str], rows: Iterable[list[str]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _chart(report: ExperimentReport) -> str:
    """The variants' intervals over one axis, with the band of what does not matter around 0."""
    drawn = [each for each in report.comparisons if each.estimate is not None]
    if not drawn:
        return '<p class="small">Nothing to draw yet.</p>'
    furthest = max(
        report.minimum_effect * 1.25,
        *(
            abs(end) * 1.1
            for each in drawn
            for end in (each.low, each.high)
            if end is not None and isfinite(end)
        ),
        *(abs(each.estimate or 0.0) * 1.1 for each in drawn),
    )
    middle, half = (_LEFT + _WIDTH - _RIGHT) / 2, (_WIDTH - _RIGHT - _LEFT) / 2

    def x(difference: float) -> float:
        return middle + half * max(-1.0, min(1.0, difference / furthest))

    height = _ROW * len(drawn) + 34
    foot, band = height - 30, report.minimum_effect
    parts = [
        f'<rect x="{x(-band):.1f}" width="{x(band) - x(-band):.1f}" height="{foot:.0f}" class="band"/>',
        f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{foot:.0f}" stroke="#8795a3"/>',
    ]
    parts += [
        f'<text x="{x(at):.1f}" y="{foot + 20:.0f}" text-anchor="middle">{change(report.metric, at)}</text>'
        for at in (-band, 0.0, band)
    ]
    for row, comparison in enumerate(drawn):
        parts += _interval(comparison, row, x)
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="Intervals of the variants">{"".join(parts)}</svg>'
    )


def _interval(comparison: Comparison, row: int, x: Callable[[float], float]) -> Iterator[str]:
    y = _ROW * row + _ROW / 2
    colour = _COLOURS.get(comparison.verdict, "#3b6ea8")
    yield f'<text x="0" y="{y + 5:.0f}">{escape(comparison.variant)}</text>'
    if comparison.low is not None and comparison.high is not None:
        yield (
            f'<line x1="{x(comparison.low):.1f}" x2="{x(comparison.high):.1f}" y1="{y:.0f}" y2="{y:.0f}" '
            f'stroke="{colour}" stroke-width="5" stroke-linecap="round" opacity=".55"/>'
        )
    yield f'<circle cx="{x(comparison.estimate or 0.0):.1f}" cy="{y:.0f}" r="6" fill="{colour}"/>'
