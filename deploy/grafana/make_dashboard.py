"""Writes dashboards/examsgraph.json: the product's four views over what /metrics exports.

    python deploy/grafana/make_dashboard.py

Needs the extra [test], for grafana-foundation-sdk. Times are the reader's own; windows are the dashboard's.
"""

import json
from itertools import count
from pathlib import Path

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueGraphMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    GridPos,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)

PLACE = Path(__file__).with_name("dashboards") / "examsgraph.json"

_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_MODEL, _CONCEPT = 'model=~"$model"', 'concept=~"$concept"'
_WIDTH = 24
_GREEN, _AMBER, _RED = "green", "orange", "red"


def made() -> str:
    """The dashboard as JSON: the same text whenever nothing changed here."""
    built = (
        dashboard.Dashboard("ExamsGraph")
        .uid("examsgraph")
        .description("A GraphRAG tutor: its paths, its prompts, its learners and its cost.")
        .tags(["examsgraph", "llm", "graphrag"])
        .refresh("30s")
        .time("now-24h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(_choice("model", "Model", "examsgraph_calls_total"))
        .with_variable(_choice("concept", "Concept", "examsgraph_path_hops_total"))
    )
    line, numbers = 0, count(1)
    for title, panels in _views().items():
        row = GridPos(h=1, w=_WIDTH, x=0, y=line)
        built = built.with_row(dashboard.Row(title).id(next(numbers)).grid_pos(row))
        line += 1
        figures = [panel for panel in panels if isinstance(panel, stat.Panel)]
        pictures = [panel for panel in panels if not isinstance(panel, stat.Panel)]
        for group, height, in_a_line in ((figures, 4, len(figures)), (pictures, 8, 3)):
            for begin in range(0, len(group), in_a_line or 1):
                beside = group[begin : begin + in_a_line]
                width = _WIDTH // len(beside)
                for place, panel in enumerate(beside):
                    position = GridPos(h=height, w=width, x=place * width, y=line)
                    built = built.with_panel(panel.id(next(numbers)).grid_pos(position).datasource(_SOURCE))
                line += height
    content = json.loads(JSONEncoder(sort_keys=True).encode(built.build()))
    for variable in content["templating"]["list"]:
        # the kit gives every variable what only an interval has; Grafana's schema knows nothing of it
        for name in ("auto", "auto_count", "auto_min"):
            del variable[name]
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


Panel = stat.Panel | timeseries.Panel | bargauge.Panel


def _views() -> dict[str, list[Panel]]:
    return {
        "Now · 지금": [
            _stat(
                "Cost today", "sum(examsgraph_cost_today_usd)", "currencyUSD", amber=40, red=50
            ).description("Of the calendar day in the server's time zone; the alert is at $50."),
            _stat("Open incidents", "sum(examsgraph_incidents_open)", "none", red=1),
            _stat("MLflow is behind by", "max(examsgraph_shipping_lag_seconds)", "s", amber=300, red=900),
            _stat("Calls", f"sum(increase(examsgraph_calls_total{{{_MODEL}}}[$__range]))", "short"),
            _stat(
                "Calls that failed",
                f'sum(increase(examsgraph_calls_total{{{_MODEL},status="error"}}[$__range]))'
                f" / sum(increase(examsgraph_calls_total{{{_MODEL}}}[$__range]))",
                "percentunit",
                amber=0.02,
                red=0.05,
            ),
            _stat(
                "Counted so far",
                "sum(examsgraph_facts_counted_total)",
                "short",
            ).description("Facts of the journal. Until all was counted once, nothing else is told."),
        ],
        "GraphRAG path tracing · 경로 추적": [
            _stat(
                "Average exploration depth",
                _mean("examsgraph_exploration_depth_hops"),
                "none",
                amber=4,
                red=5,
            ).description("In hops. 5 or more is inefficient."),
            _stat("Average path length", _mean("examsgraph_path_length_hops"), "none"),
            _stat(
                "Stray hops",
                f"sum(increase(examsgraph_stray_hops_total{{{_CONCEPT}}}[$__range]))"
                f" / sum(increase(examsgraph_path_hops_total{{{_CONCEPT}}}[$__range]))",
                "percentunit",
                amber=0.02,
                red=0.05,
            ).description("Of followed hops, those below the similarity threshold: they leave the subject."),
            _bars(
                "Concepts whose paths stray most",
                f"topk(10, sum by (concept) (increase(examsgraph_stray_hops_total{{{_CONCEPT}}}[$__range]))"
                " > 0)",
                "{{concept}}",
            ),
            _lines(
                "Stray hops and followed hops",
                "short",
                {
                    "followed": f"sum(increase(examsgraph_path_hops_total{{{_CONCEPT}}}[$__rate_interval]))",
                    "stray ⚠️": f"sum(increase(examsgraph_stray_hops_total{{{_CONCEPT}}}[$__rate_interval]))",
                },
            ),
            _lines(
                "Depth of explorations",
                "none",
                {
                    "half are at most": _quantile(0.5, "examsgraph_exploration_depth_hops"),
                    "95 % are at most": _quantile(0.95, "examsgraph_exploration_depth_hops"),
                },
            ),
        ],
        "Prompt experimentation · 프롬프트 실험": [
            _bars(
                "Understanding by variant (1 to 5)",
                _mean("examsgraph_prompt_understanding_score", by="variant"),
                "{{variant}}",
                decimals=2,
            ),
            _bars(
                "Length of compared answers",
                _mean("examsgraph_prompt_response_length_characters", by="variant"),
                "{{variant}}",
                decimals=0,
            ).description("response_length, in characters."),
            _bars(
                "Score of answers by people and judges",
                _mean("examsgraph_prompt_score", by="variant"),
                "{{variant}}",
                decimals=2,
            ),
            _lines(
                "Learners who were given each prompt",
                "short",
                {
                    "{{experiment}} {{variant}}": "sum by (experiment, variant) "
                    "(increase(examsgraph_prompt_exposures_total[$__rate_interval]))"
                },
            ),
            _lines(
                "Cost of a call by variant",
                "currencyUSD",
                {
                    "{{variant}}": "sum by (variant) (increase(examsgraph_prompt_cost_usd_total[1h]))"
                    " / sum by (variant) (increase(examsgraph_prompt_calls_total[1h]))"
                },
            ),
        ],
        "User feedback · 학습자 반응": [
            _stat(
                "Satisfaction",
                'sum(increase(examsgraph_feedback_total{feedback_type="thumbs_up"}[$__range])) / '
                'sum(increase(examsgraph_feedback_total{feedback_type=~"thumbs_.*"}[$__range]))',
                "percentunit",
            ).description("Thumbs up, of thumbs up and down."),
            _stat(
                "Average understanding",
                _mean("examsgraph_understanding_score", where=_CONCEPT),
                "none",
            ).description("From 1 (not at all) to 5 (completely)."),
            _bars(
                "TOP 5 concepts that learners understand least",
                "topk(5, sum by (concept) "
                f"(increase(examsgraph_poor_understanding_total{{{_CONCEPT}}}[$__range])) > 0)",
                "{{concept}}",
            ).description("How often each was understood at 2 or less; the alert is at 10 within 24 h."),
            _bars(
                "Concepts whose average understanding is 3 or less",
                f"bottomk(10, {_mean('examsgraph_understanding_score', by='concept', where=_CONCEPT)} <= 3)",
                "{{concept}}",
                decimals=2,
            ),
            _lines(
                "What learners said",
                "short",
                {
                    "{{feedback_type}}": "sum by (feedback_type) "
                    "(increase(examsgraph_feedback_total[$__rate_interval]))"
                },
            ),
        ],
        "LLM cost · 비용": [
            _lines(
                "Cost by hour",
                "currencyUSD",
                {"{{model}}": f"sum by (model) (increase(examsgraph_cost_usd_total{{{_MODEL}}}[1h]))"},
                stacked=True,
            ).interval("1h"),
            _lines(
                "How often each model is used",
                "short",
                {"{{model}}": f"sum by (model) (increase(examsgraph_calls_total{{{_MODEL}}}[1h]))"},
                stacked=True,
            ).interval("1h"),
            _lines(
                "Tokens by hour",
                "short",
                {
                    "{{model}} {{direction}}": "sum by (model, direction) "
                    f"(increase(examsgraph_tokens_total{{{_MODEL}}}[1h]))"
                },
                stacked=True,
            ).interval("1h"),
            _bars(
                "Misroutes by task and model",
                f"sum by (task_type, model) (increase(examsgraph_misroutes_total{{{_MODEL}}}[$__range])) > 0",
                "{{task_type}} → {{model}}",
            ).description("Calls that went to a model that their task may not use."),
            _bars(
                "Calls without a price",
                f"sum by (model) (increase(examsgraph_unpriced_calls_total{{{_MODEL}}}[$__range])) > 0",
                "{{model}}",
            ).description("What these cost is not known, and not in the cost."),
            _lines(
                "Latency and time to first token",
                "s",
                {
                    "half within": _quantile(0.5, "examsgraph_call_latency_seconds", _MODEL),
                    "95 % within": _quantile(0.95, "examsgraph_call_latency_seconds", _MODEL),
                    "first token, half within": _quantile(
                        0.5, "examsgraph_time_to_first_token_seconds", _MODEL
                    ),
                },
            ),
        ],
    }


def _mean(name: str, *, by: str = "", where: str = "") -> str:
    grouped = f"sum by ({by})" if by else "sum"
    of = f"{{{where}}}" if where else ""
    return (
        f"{grouped} (increase({name}_sum{of}[$__range])) / {grouped} (increase({name}_count{of}[$__range]))"
    )


def _quantile(share: float, name: str, where: str = "") -> str:
    of = f"{{{where}}}" if where else ""
    return f"histogram_quantile({share}, sum by (le) (rate({name}_bucket{of}[$__rate_interval])))"


def _choice(name: str, label: str, metric: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query({"query": f"label_values({metric}, {name})", "refId": "labels"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .include_all(include_all=True)
        .all_value(".*")
        .multi(multi=True)
    )


def _stat(
    title: str, expression: str, unit: str, *, amber: float | None = None, red: float | None = None
) -> stat.Panel:
    return (
        stat.Panel()
        .title(title)
        .unit(unit)
        .decimals(2 if unit in {"currencyUSD", "none"} and "incidents" not in expression else 0)
        .no_value("—")
        .graph_mode(BigValueGraphMode.NONE)
        .thresholds(_thresholds(amber, red))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
        .with_target(_query(expression, "", at_once=True))
    )


def _bars(title: str, expression: str, legend: str, *, decimals: int = 0) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .title(title)
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .decimals(decimals)
        .min(0)
        .no_value("—")
        .thresholds(_thresholds(None, None))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
        .with_target(_query(expression, legend, at_once=True))
    )


def _lines(title: str, unit: str, expressions: dict[str, str], *, stacked: bool = False) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(title)
        .unit(unit)
        .min(0)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
        .draw_style(GraphDrawStyle.BARS if stacked else GraphDrawStyle.LINE)
        .fill_opacity(80 if stacked else 10)
        .stacking(
            common.StackingConfig().mode(StackingMode.NORMAL if stacked else StackingMode.NONE).group("A")
        )
    )
    for number, (legend, expression) in enumerate(expressions.items()):
        panel = panel.with_target(_query(expression, legend).ref_id("ABC"[number]))
    return panel


def _query(expression: str, legend: str, *, at_once: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().ref_id("A").expr(expression).datasource(_SOURCE)
    if legend:
        query = query.legend_format(legend)
    return query.instant() if at_once else query.range()


def _thresholds(amber: float | None, red: float | None) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color=_GREEN)]
    steps += [
        Threshold(value=value, color=color)
        for value, color in ((amber, _AMBER), (red, _RED))
        if value is not None
    ]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


if __name__ == "__main__":
    PLACE.write_text(made(), encoding="utf-8")
