"""A report in words and numbers as people read them; the terminal, the page and the API say the same."""

from examsgraph_callbacks.experiments.metrics import GUARDRAILS, METRICS, MetricName
from examsgraph_callbacks.experiments.verdicts import Comparison, ExperimentReport, MetricDifference

__all__ = ["change", "difference_in_words", "heading", "value", "verdict_in_words"]


def value(metric: MetricName, number: float | None) -> str:
    """The number with its unit; a dash for what is not known."""
    if number is None:
        return "–"
    about = METRICS[metric]
    return f"{number:,.{about.decimals}f}{about.unit and ' ' + about.unit}"


def change(metric: MetricName, number: float) -> str:
    """The difference with its sign and unit."""
    about = METRICS[metric]
    return f"{number:+,.{about.decimals}f}{about.unit and ' ' + about.unit}"


def heading(report: ExperimentReport) -> str:
    """What the report is on, and up to when."""
    metric = METRICS[report.metric].title
    if report.last_day is None:
        return f"{report.experiment}, judged by {metric}: its first look is at the end of its first day (UTC)"
    looks = f"{report.looks} daily look{'s' if report.looks > 1 else ''}"
    return f"{report.experiment}, judged by {metric}: {looks}, the last at the end of {report.last_day} (UTC)"


def verdict_in_words(report: ExperimentReport, comparison: Comparison) -> str:
    """The verdict in a sentence, with the numbers that it rests on."""
    variant, control = comparison.variant, report.control
    metric = report.metric
    title = METRICS[metric].title
    seen = _interval(report, comparison)
    match comparison.verdict:
        case "invalid":
            return f"{variant}: no verdict, {comparison.why}."
        case "better" | "worse":
            return (
                f"{variant} is {comparison.verdict} than {control}: {title} {seen}, "
                f"decided on {comparison.decided_on}.{_price(comparison)}"
            )
        case "no difference larger than":
            bound = value(metric, comparison.bound)
            return f"{variant}: no difference from {control} larger than {bound} in {title}: {seen}."
        case "not enough data":
            return f"{variant}: not enough data, {_what_is_missing(report, comparison)}."


def difference_in_words(difference: MetricDifference) -> str:
    """A metric that the experiment was not planned for."""
    name = difference.metric
    said = f" ({difference.change})" if difference.change else ""
    low, high = change(name, difference.low), change(name, difference.high)
    return f"{METRICS[name].title} {change(name, difference.estimate)} ({low} to {high}){said}"


def _price(comparison: Comparison) -> str:
    """What got worse with it, of what should not."""
    worse = [
        difference_in_words(other)
        for other in comparison.others
        if other.metric in GUARDRAILS and other.change == "worse"
    ]
    return f" But {' and '.join(worse)}." if comparison.verdict == "better" and worse else ""


def _interval(report: ExperimentReport, comparison: Comparison) -> str:
    if comparison.estimate is None or comparison.low is None or comparison.high is None:
        return "nothing seen yet"
    metric = report.metric
    confidence = f"{1 - report.significance:.0%} interval"
    if comparison.low == float("-inf"):
        return f"{change(metric, comparison.estimate)} (too early for an interval)"
    return (
        f"{change(metric, comparison.estimate)} "
        f"({confidence} {change(metric, comparison.low)} to {change(metric, comparison.high)})"
    )


def _what_is_missing(report: ExperimentReport, comparison: Comparison) -> str:
    planned = f"a difference of {value(report.metric, report.minimum_effect)}"
    if comparison.learners_needed is None:
        return f"and too little yet to say how many learners it takes to find {planned}"
    return (
        f"{comparison.fraction:.0%} of what it takes to find {planned} with a power of {report.power:.0%}: "
        f"about {comparison.learners_needed:,} learners more; so far {_interval(report, comparison)}"
    )
