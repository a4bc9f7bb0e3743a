"""The page itself: what the team asks first stands first."""

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from importlib.resources import files

from examsgraph_callbacks.analytics.answers import Overview
from examsgraph_callbacks.analytics.page.amounts import count, krw, milliseconds, share, usd
from examsgraph_callbacks.analytics.page.charts import COLOURS, Bar, bars
from examsgraph_callbacks.analytics.page.costs import cost_charts
from examsgraph_callbacks.analytics.page.tables import table

__all__ = ["overview_page"]

_CONCEPTS_SHOWN = 15


def overview_page(overview: Overview) -> str:
    """A whole HTML document with style and charts in it; nothing is loaded from anywhere."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    sections = (_head, _tiles, _failures, cost_charts, _routes, _models, _understanding, _paths, _variants)
    content = "\n".join(line for section in sections for line in section(overview))
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>ExamsGraph: tutor report</title><style>{style}</style></head>\n"
        f"<body>\n{content}\n</body></html>\n"
    )


def _head(overview: Overview) -> Iterator[str]:
    yield "<h1>Tutor report</h1>"
    period = overview.period
    told = []
    if overview.user_id is not None:
        told.append(f"user {overview.user_id}")
    if overview.concept is not None:
        told.append(f"concept {overview.concept}")
    if period.since is not None:
        told.append(f"from {period.since:%Y-%m-%d %H:%M}")
    if period.until is not None:
        told.append(f"until {period.until:%Y-%m-%d %H:%M}")
    made = f"{overview.generated_at:%Y-%m-%d %H:%M} {overview.cost_by_hour.time_zone}"
    yield f"<p class=soft>{escape(', '.join([*told, f'as of {made}']))}</p>"


def _tiles(overview: Overview) -> Iterator[str]:
    cost, margin = overview.average_cost, overview.margin
    verdict = {"sustainable": "good", "unsustainable": "alarm"}.get(margin.verdict, "soft")
    misroutes = sum(route.misroutes or 0 for route in overview.routing.routes)
    failures = sum(each.failures for each in overview.understanding_by_concept.concepts)
    tiles = [
        ("a learner's month costs", krw(cost.average_cost_krw), usd(cost.average_cost_usd)),
        (
            f"margin on {krw(margin.subscription_krw)}",
            f"<span class={verdict}>{krw(margin.margin_krw)}</span>",
            f"{margin.verdict}; {share(margin.losing_share)} of months cost more",
        ),
        (
            "calls",
            count(cost.calls),
            f"{share(cost.unpriced_share)} unpriced, {share(cost.estimated_share)} estimated",
        ),
        ("misrouted calls", count(misroutes), "against the routing policy"),
        (
            "failed explanations",
            count(failures),
            f"{count(overview.top_failed_concepts.unattributed)} of an unknown concept",
        ),
    ]
    yield "<section class=tiles>"
    for title, value, note in tiles:
        yield f"<div><span class=soft>{title}</span><b>{value}</b><span class=soft>{note}</span></div>"
    yield "</section>"


def _failures(overview: Overview) -> Iterator[str]:
    concepts = overview.top_failed_concepts.concepts
    if not concepts:
        return
    yield "<h2>Concepts that explanations fail on</h2>"
    yield "<p class=soft>Thumbs down, or an understanding of 2 or less of 5.</p>"
    yield bars([Bar(each.concept, each.failure_count, count(each.failure_count)) for each in concepts])


def _routes(overview: Overview) -> Iterator[str]:
    routes = overview.routing.routes
    if not routes:
        return
    yield "<h2>Routing</h2>"
    heads = [
        "task|",
        "asked for|",
        "served|",
        "calls",
        "cost",
        "misrouted",
        "too dear by",
        "p50",
        "p95",
        "understood",
    ]
    yield table(
        heads,
        [
            [
                route.task_type or "–",
                route.requested_model or "–",
                route.served_model or "–",
                count(route.calls),
                usd(route.cost_usd),
                f"<span class=alarm>{count(route.misroutes)}</span>"
                if route.misroutes
                else count(route.misroutes),
                usd(route.misroute_extra_usd),
                milliseconds(route.latency_p50_ms),
                milliseconds(route.latency_p95_ms),
                "–" if route.understanding is None else f"{route.understanding:.1f} (n {route.scores:,})",
            ]
            for route in routes
        ],
    )


def _models(overview: Overview) -> Iterator[str]:
    performance = overview.performance
    if not performance.models:
        return
    yield "<h2>Models</h2>"
    heads = [
        "model|",
        "calls",
        "failed",
        "retried",
        "p50",
        "p95",
        "p99",
        "first token p50",
        "p95",
        "cached input",
    ]
    yield table(
        heads,
        [
            [
                model.model or "–",
                count(model.calls),
                f"{count(model.failed)} ({share(model.failed / model.calls)})",
                count(model.retried),
                *map(milliseconds, (model.latency_p50_ms, model.latency_p95_ms, model.latency_p99_ms)),
                milliseconds(model.time_to_first_token_p50_ms),
                milliseconds(model.time_to_first_token_p95_ms),
                share(model.cached_share),
            ]
            for model in performance.models
        ],
    )
    savings = performance.savings
    yield (
        f"<p class=soft>The provider's cache saved {usd(savings.provider_usd)} on "
        f"{count(savings.cached_tokens)} tokens; {count(savings.hits)} hits of the application's own saved "
        f"{usd(savings.hits_usd)}. Of {count(savings.unpriced_tokens)} tokens more no price is known.</p>"
    )


def _understanding(overview: Overview) -> Iterator[str]:
    concepts = [each for each in overview.understanding_by_concept.concepts if each.enough][:_CONCEPTS_SHOWN]
    if not concepts:
        return
    yield "<h2>Understanding, the lowest first</h2>"
    yield "<p class=soft>Mean score from 1 to 5, with five scores or more; 3 or less needs work.</p>"
    yield bars(
        [
            Bar(
                each.concept,
                each.understanding,
                f"{each.understanding:.2f} (n {each.scores:,})",
                COLOURS[1] if each.understanding <= 3 else COLOURS[0],
            )
            for each in concepts
        ],
        most=5,
    )


def _paths(overview: Overview) -> Iterator[str]:
    paths = overview.path_quality
    if not paths.explorations:
        return
    yield "<h2>Paths through the graph</h2>"
    yield (
        f"<p>{count(paths.explorations)} explorations, {paths.average_path_length or 0:.1f} hops and "
        f"{paths.average_depth or 0:.1f} levels on average; {count(paths.deep)} of 5 levels or more, "
        f"{count(paths.dead_ends)} dead ends; {share(paths.anomalous_share)} of the hops are strange.</p>"
    )
    worst = sorted(paths.relations, key=lambda each: (-each.anomalous_share, each.relation))
    yield bars(
        [
            Bar(
                each.relation,
                each.anomalous_share,
                f"{share(each.anomalous_share)} of {count(each.hops)} hops",
            )
            for each in worst[:_CONCEPTS_SHOWN]
        ]
    )


def _variants(overview: Overview) -> Iterator[str]:
    variants = overview.prompt_variants.variants
    if not variants:
        return
    yield "<h2>Prompt variants</h2>"
    yield table(
        ["variant|", "turns", "cost a turn", "output tokens", "p50", "understood", "satisfied"],
        [
            [
                each.variant,
                count(each.turns),
                usd(None if each.cost_usd is None else each.cost_usd / Decimal(each.turns or 1)),
                "–" if each.average_output_tokens is None else f"{each.average_output_tokens:,.0f}",
                milliseconds(each.latency_p50_ms),
                "–" if each.understanding is None else f"{each.understanding:.1f} (n {each.scores:,})",
                share(each.satisfaction),
            ]
            for each in variants
        ],
    )
