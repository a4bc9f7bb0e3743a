"""How long each question takes:  pytest -m benchmark -s tests/benchmarks/test_questions.py

`EXAMSGRAPH_BENCHMARK_FACTS` says how many facts (a million). `EXAMSGRAPH_BENCHMARK_JOURNAL` names a journal
that was made before, or where to keep it.
"""

import json
import os
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.analytics import Analytics
from examsgraph_callbacks.analytics.dashboard import DashboardQuestions
from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.settings import Settings
from tests.benchmarks.journals import grown
from tests.benchmarks.paired import machine
from tests.deliver.factories import feedback, small_turn
from tests.measure.facts import show

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(7200),
    pytest.mark.filterwarnings("ignore"),  # of MLflow's and Spark's own
]

FACTS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_FACTS", "1_000_000"))
QUESTIONS = (
    "top_failed_concepts",
    "average_cost",
    "margin",
    "cost_by_hour",
    "routing",
    "understanding_by_concept",
    "path_quality",
    "performance",
    "prompt_variants",
    # the dashboard's own
    "costs",
    "speed",
    "concepts",
    "strange_explorations",
    "choices",
)
BARS_SECONDS = {"top_failed_concepts": 1.0, "average_cost": 1.0}
OTHER_BAR_SECONDS = 3.0
BAR_GB = 2.0


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """A year of turns, written as lines and compacted."""
    place = os.environ.get("EXAMSGRAPH_BENCHMARK_JOURNAL") or tmp_path_factory.mktemp("journal")
    return grown(Path(place), FACTS)


def timed(ask: Callable[[], object]) -> tuple[float, float]:
    """The shortest of three, and its CPU time, in seconds."""
    best = (float("inf"), float("inf"))
    for _ in range(3):
        begun, cpu = time.perf_counter(), time.process_time()
        ask()
        best = min(best, (time.perf_counter() - begun, time.process_time() - cpu))
    return best


def test_each_question(journal: Journal) -> None:
    analytics = DashboardQuestions(journal)
    seconds = {}
    show(f"{FACTS:,} facts, {machine()}")
    for name in QUESTIONS:
        seconds[name], cpu = timed(getattr(analytics, name))
        show(f"{name:26} {seconds[name]:6.2f} s, {cpu:6.2f} s of CPU")
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    show(f"peak memory of the process, which made the journal too: {peak_gb:.2f} GB")
    if FACTS <= 10_000_000:
        for name, taken in seconds.items():
            assert taken < BARS_SECONDS.get(name, OTHER_BAR_SECONDS), name
        assert peak_gb < BAR_GB


def test_spark_answers_row_by_row_as_duckdb_does(journal: Journal) -> None:
    pytest.importorskip("pyspark")
    here, spark = DashboardQuestions(journal), DashboardQuestions(journal, Settings(engine="pyspark"))
    for name in QUESTIONS:
        assert getattr(here, name)() == getattr(spark, name)(), name


TURNS = 10_000
USERS = 500


def pages(search: Callable[[str | None], Any]) -> Iterator[Any]:
    """What a search of MLflow finds, page by page."""
    token = None
    while True:
        page = search(token)
        yield from page
        token = page.token
        if not token:
            return


def paged_costs(client: Any) -> dict[str, float]:
    """In floats, as MLflow keeps them."""
    experiment = client.get_experiment_by_name("ExamsGraph").experiment_id
    costs: defaultdict[str, float] = defaultdict(float)
    for trace in pages(
        lambda token: client.search_traces(
            locations=[experiment], max_results=500, page_token=token, include_spans=False
        )
    ):
        about = trace.info.trace_metadata
        costs[about.get("mlflow.trace.user", "")] += json.loads(about["mlflow.trace.cost"])["total_cost"]
    assert len(costs) == USERS
    return costs


def paged_failures(client: Any) -> Counter[str]:
    experiment = client.get_experiment_by_name("User_Feedback").experiment_id
    failed = "tags.status = 'review_needed'"
    found = pages(lambda token: client.search_runs([experiment], failed, max_results=1000, page_token=token))
    return Counter(run.data.tags.get("concept", "") for run in found)


def test_beside_paging_mlflow(tmp_path: Path) -> None:
    """Two questions of 10,000 turns, 1,000 of them with feedback, as MLflow would be asked: by pages."""
    from mlflow import MlflowClient

    journal = Journal(tmp_path / "journal")
    for number in range(TURNS):
        turn = f"turn {number}"
        for fact in small_turn(turn, after_seconds=number):
            journal.write(fact.model_copy(update={"user_id": f"user_{number % USERS:03d}"}))
        if number % 10 == 0:
            journal.write(feedback(turn).model_copy(update={"concept": f"개념 {number % 40}"}))
    journal.close()
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    ship(journal, uri)
    client = MlflowClient(tracking_uri=uri)
    analytics = Analytics(journal)
    pairs: dict[str, tuple[Callable[[Any], object], Callable[[], object]]] = {
        "cost by user": (paged_costs, analytics.average_cost),
        "failed concepts": (paged_failures, analytics.top_failed_concepts),
    }
    for name, (paged, asked) in pairs.items():
        theirs, ours = timed(partial(paged, client))[0], timed(asked)[0]
        show(f"{TURNS:,} turns, {name}: paging MLflow {theirs:.2f} s, here {ours:.3f} s")
        assert ours < theirs
