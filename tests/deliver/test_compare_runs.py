"""The variants, ticked and compared in MLflow's own UI, stand side by side with length and score."""

import json
from pathlib import Path
from urllib.parse import quote

from mlflow import MlflowClient

from examsgraph_callbacks import Tracker
from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.journal import Journal
from tests.graph.browser import chromium
from tests.tracker.document import COMPARISON

SCORES = {"v1_strict": 2.0, "v2_friendly": 4.5, "v3_encouraging": 4.0}


def test_compare_runs_shows_what_the_document_says(
    journal: Journal, mlflow_server: str, tmp_path: Path
) -> None:
    tracker = Tracker(journal)
    compared = tracker.compare_prompts(**COMPARISON)
    for variant, score in SCORES.items():
        tracker.score_prompt(comparison_id=compared, prompt_variant=variant, score=score)
    ship(journal, mlflow_server)
    client = MlflowClient(tracking_uri=mlflow_server)
    experiment = client.get_experiment_by_name("Prompt_Experimentation")
    assert experiment is not None
    found = client.search_runs(
        [experiment.experiment_id],
        f"tags.`examsgraph.event_id` LIKE '{compared}/%'",
        order_by=["tag.variant"],
    )
    ids = json.dumps([run.info.run_id for run in found])
    page = f"runs={quote(ids)}&experiments={quote(json.dumps([experiment.experiment_id]))}"

    with chromium(tmp_path / "profile", "--window-size=1500,1300") as driver:
        from selenium.webdriver.support.ui import WebDriverWait

        driver.get(f"{mlflow_server}/#/compare-runs?{page}")

        def rows(_driver: object) -> list[str] | None:
            shown: str = driver.find_element("tag name", "body").text
            _, has_metrics, after = shown.partition("\nMetrics\n")
            lines = after.partition("\nArtifacts\n")[0].splitlines()
            return lines if has_metrics and len(lines) >= 9 else None

        lines = WebDriverWait(driver, 90).until(rows)
    assert lines == ["Show diff only", "manual_score", "response_length", "2", "4.5", "4", "41", "42", "48"]
