"""What the dashboard's routes answer beyond the analytics: paths with pictures, experiments, incidents."""

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from examsgraph_callbacks.alerts import Standing as AlertsStanding
from examsgraph_callbacks.analytics.dashboard_answers import StrangeExplorations
from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.experiments.running import ExperimentSoFar
from examsgraph_callbacks.graph.pictures import Language, draw_svg
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.picking import Place, fact_at
from examsgraph_callbacks.measure import measure_path

__all__ = [
    "ExperimentsShown",
    "IncidentsShown",
    "Standing",
    "StrangePaths",
    "incidents_shown",
    "strange_paths",
]


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Standing(_Shown):
    """`mark` changes whenever anything that the dashboard shows does; `today` is the zone's day."""

    mark: str
    today: date
    time_zone: str
    krw_per_usd: float
    subscription_krw: Decimal
    version: str


class HopShown(_Shown):
    """A followed hop: `reasons` is not empty where it is anomalous."""

    node: str
    relation: str
    next_node: str
    similarity_score: float | None
    edge_similarity: float | None
    reasons: tuple[str, ...]


class StrangePath(_Shown):
    """An exploration with anomalous hops, the newest of its question's `times` in the period.

    `picture` shows its path and `whole_picture` what was looked at besides: SVG without script, to be shown
    as an image.
    """

    event_id: str
    started_at: datetime
    query: str | None
    question_id: str | None
    wrong_concept: str | None
    similarity_threshold: float | None
    times: int
    path: tuple[HopShown, ...]
    picture: str
    whole_picture: str


class StrangePaths(_Shown):
    """The newest, the newest first; how many are `strange` of those that could be `judged`."""

    newest: tuple[StrangePath, ...]
    strange: int
    judged: int


class ExperimentsShown(_Shown):
    """Those that run first, then the latest first."""

    experiments: tuple[ExperimentSoFar, ...]


class IncidentShown(_Shown):
    """A rule that was broken, from when to when (UTC); `resolved_at` is null while it is."""

    id: int
    rule: str
    subject: str
    title: str
    opened_at: datetime
    resolved_at: datetime | None


class IncidentsShown(_Shown):
    """The incidents; whether anybody `ever` watched for alerts, and whether somebody does `now`."""

    ever: bool
    now: bool
    open: int
    incidents: tuple[IncidentShown, ...]


def strange_paths(
    found: StrangeExplorations, journal: Journal, lake: str | None, language: Language = "en"
) -> StrangePaths:
    """The paths themselves, as far as they are still on record; their pictures in a `language`."""
    newest = []
    for each in found.newest:
        fact = fact_at(journal, Place(each.event_id, each.position, each.started_at), lake)
        if isinstance(fact, Exploration):
            newest.append(_strange_path(fact, each.times, language))
    return StrangePaths(newest=tuple(newest), strange=found.strange, judged=found.judged)


def _strange_path(exploration: Exploration, times: int, language: Language) -> StrangePath:
    measured = measure_path(exploration)
    followed = exploration.model_copy(update={"hops": measured.path})
    reasons = {anomaly.hop: anomaly.reasons for anomaly in measured.anomalous_hops or ()}
    return StrangePath(
        event_id=exploration.event_id,
        started_at=exploration.started_at,
        query=exploration.query,
        question_id=exploration.question_id,
        wrong_concept=exploration.wrong_concept,
        similarity_threshold=measured.similarity_threshold,
        path=tuple(
            HopShown(
                node=hop.node,
                relation=hop.relation,
                next_node=hop.next_node,
                similarity_score=hop.similarity_score,
                edge_similarity=hop.edge_similarity,
                reasons=reasons.get(hop, ()),
            )
            for hop in measured.path
        ),
        times=times,
        picture=draw_svg(followed, has_heading=False, language=language),
        whole_picture=draw_svg(exploration, has_heading=False, language=language),
    )


def incidents_shown(standing: AlertsStanding) -> IncidentsShown:
    """The incidents as they are answered."""
    shown = tuple(
        IncidentShown(
            id=each.id,
            rule=each.rule,
            subject=each.subject,
            title=each.title,
            opened_at=each.opened_at,
            resolved_at=each.resolved_at,
        )
        for each in standing.incidents
    )
    is_open = sum(each.resolved_at is None for each in shown)
    return IncidentsShown(ever=standing.ever, now=standing.now, open=is_open, incidents=shown)
