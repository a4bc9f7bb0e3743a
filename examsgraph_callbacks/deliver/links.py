"""Where in MLflow a person looks at a kind of figure: the address of its experiment's runs, filtered."""

from collections.abc import Callable
from urllib.parse import urlencode

from examsgraph_callbacks.defaults import absolute, default_tracking_uri
from examsgraph_callbacks.deliver.cost_runs import COST_EXPERIMENT
from examsgraph_callbacks.deliver.destination import open_destination, without_credentials
from examsgraph_callbacks.deliver.feedback_runs import FEEDBACK_EXPERIMENT
from examsgraph_callbacks.deliver.path_runs import PATH_EXPERIMENT
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal

__all__ = ["mlflow_links"]

_EXPERIMENTS = {
    "concept_confusion": FEEDBACK_EXPERIMENT,
    "daily_cost": COST_EXPERIMENT,
    "misroute_rate": COST_EXPERIMENT,
    "error_rate": COST_EXPERIMENT,
    "unpriced_calls": COST_EXPERIMENT,
    "stray_hop_rate": PATH_EXPERIMENT,
}


def mlflow_links(journal: Journal, tracking_uri: str | None = None) -> Callable[[str, str], str | None]:
    """From an alert's kind and subject to the page in the MLflow that the journal is shipped to.

    None where a database is shipped to, which no server shows. A server that does not answer, or does
    not have the experiment yet, gives its front page. An experiment is asked for once.
    """
    uri = absolute(tracking_uri or default_tracking_uri(journal.path))
    shown = without_credentials(uri)
    ids: dict[str, str] = {}

    def link(kind: str, subject: str) -> str | None:
        if not uri.startswith(("http://", "https://")):
            return None
        name = _EXPERIMENTS.get(kind)
        number = None if name is None else ids.get(name) or _find(uri, name)
        if name is None or number is None:
            return shown
        ids[name] = number
        page = f"{shown}/#/experiments/{number}/runs"
        if kind != "concept_confusion":
            return page
        quoted = subject.replace("\\", "\\\\").replace('"', '\\"')
        wanted = f'tags.concept = "{quoted}"'
        return f"{page}?{urlencode({'searchFilter': wanted})}"

    return link


def _find(uri: str, name: str) -> str | None:
    try:
        with open_destination(uri) as destination:
            found = destination.client.get_experiment_by_name(name)
    except Exception as error:  # noqa: BLE001 - a message without its link is better than none
        failures.report("finding an alert's page in MLflow", error)
        return None
    return None if found is None else str(found.experiment_id)
