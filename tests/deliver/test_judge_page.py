"""What a judge said, found in MLflow's own UI where its users look: an evaluation run, and each question."""

from collections.abc import Callable
from pathlib import Path

import pytest

from examsgraph_callbacks.deliver import evaluate_judging, mlflow_judge
from examsgraph_callbacks.events import PromptComparison
from examsgraph_callbacks.experiments import Judging
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import comparison
from tests.deliver.test_judge_evaluation import traces
from tests.graph.browser import chromium
from tests.servers.judge_server import REASON, JudgeServer


def test_the_evaluation_run_and_the_judges_reasons_are_on_the_page(
    journal: Journal, mlflow_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: PromptComparison = comparison("judged and looked at").model_copy(
        update={"tags": ("comparison:tone",)}
    )
    journal.write(compared)
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    with JudgeServer() as server:
        judging = Judging("tone", mlflow_judge("openai:/gpt-4o", server.url), journal)
        friendly, _ = evaluate_judging(judging, mlflow_server)
    assert friendly.url is not None
    (trace,) = traces(mlflow_server, friendly)

    with chromium(tmp_path / "profile", "--window-size=1700,1100") as driver:
        from selenium.webdriver.common.by import By
        from selenium.webdriver.support.ui import WebDriverWait

        def shows(*words: str) -> Callable[[object], bool]:
            def all_of_them(_driver: object) -> bool:
                text: str = driver.find_element(By.TAG_NAME, "body").text
                return all(word in text for word in words)

            return all_of_them

        driver.get(friendly.url)
        columns = ("judge_score/mean", "position_consistent/mean", "position_inconsistent_share")
        WebDriverWait(driver, 90).until(shows("v2_friendly against v1_strict (tone)", *columns))

        driver.get(
            f"{friendly.url.partition('/evaluation-runs')[0]}/traces?selectedEvaluationId={trace.info.trace_id}"
        )
        assess = "//button[starts-with(normalize-space(.), 'Assess')]"
        WebDriverWait(driver, 90).until(lambda _: driver.find_elements(By.XPATH, assess))
        driver.find_element(By.XPATH, assess).click()
        WebDriverWait(driver, 30).until(shows("preferred", "judge_score", "position_consistent"))
        driver.find_element(
            By.CSS_SELECTOR, "button[data-component-id$='toggle-assessment-expanded']"
        ).click()
        WebDriverWait(driver, 30).until(shows(REASON, compared.generated_responses["v2_friendly"]))
