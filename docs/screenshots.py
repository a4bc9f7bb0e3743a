"""Makes the README's screenshots: the demo's lesson in a real MLflow and on the dashboard, seen in Chromium.

python docs/screenshots.py        # with  pip install -e '.[test]',  and chromium and chromedriver on PATH
"""

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote
from zoneinfo import ZoneInfo

from mlflow import MlflowClient
from PIL import Image
from playwright.sync_api import FloatRect
from selenium import webdriver
from selenium.webdriver.chrome.webdriver import WebDriver

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from examsgraph_callbacks.console import Screen  # noqa: E402
from examsgraph_callbacks.deliver import ship  # noqa: E402
from examsgraph_callbacks.demo.run import record_lesson  # noqa: E402
from examsgraph_callbacks.journal import Journal  # noqa: E402
from tests.server.dashboard_browser import chromium as playwright_chromium  # noqa: E402
from tests.server.dashboard_browser import opened  # noqa: E402
from tests.server.served import serving  # noqa: E402
from tests.servers.lived_journal import live  # noqa: E402
from tests.servers.mlflow_server import running_mlflow  # noqa: E402

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SETTLE_SECONDS = 8  # until a page has drawn all that it asked for


def lesson(folder: Path) -> Journal:
    """The demo's lesson given on two days, each turn at another hour."""
    spread = Journal(folder / "journal")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for days_ago in (2, 1):
        recorded = Journal(folder / f"recorded {days_ago}")
        record_lesson(recorded, Screen(), pace=0)
        hours = random.Random(days_ago)  # noqa: S311 - no secret
        shifts: dict[str | None, timedelta] = {}
        for fact in recorded.read():
            morning = (
                today - timedelta(days=days_ago) + timedelta(hours=min(22.0, max(7.0, hours.gauss(15, 3))))
            )
            shift = shifts.setdefault(fact.trace_id, morning - fact.started_at)
            spread.write(fact.model_copy(update={"started_at": fact.started_at + shift}))
    return spread


@contextmanager
def chromium(folder: Path) -> Iterator[WebDriver]:
    """A browser without a window."""
    driver_path, browser_path = shutil.which("chromedriver"), shutil.which("chromium")
    if driver_path is None or browser_path is None:
        sys.exit("expected chromium and chromedriver on PATH: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser_path
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=1500,950"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver_path))
    try:
        yield driver
    finally:
        driver.quit()


class Pages:
    """MLflow's pages, each photographed once it is drawn."""

    def __init__(self, driver: WebDriver, uri: str, folder: Path) -> None:
        self._driver = driver
        self._uri = uri
        self._folder = folder
        self.client = MlflowClient(tracking_uri=uri)
        self.open("/#/experiments")
        # what MLflow shows to newcomers is not what this is about
        driver.execute_script(
            "localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');"
            "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')",
        )

    def experiment(self, name: str) -> str:
        """The experiment's id."""
        found = self.client.get_experiment_by_name(name)
        if found is None:
            sys.exit(f"expected the experiment {name}, there is none")
        return str(found.experiment_id)

    def open(self, path: str) -> None:
        """Go to a page and wait until it is drawn."""
        self._driver.get("about:blank")
        self._driver.get(self._uri + path)
        time.sleep(SETTLE_SECONDS)
        self.click("//button[contains(., 'Got it')]")

    def click(self, xpath: str) -> None:
        """Click the first such element, where there is one."""
        for element in self._driver.find_elements("xpath", xpath)[:1]:
            self._driver.execute_script("arguments[0].click()", element)
            time.sleep(SETTLE_SECONDS / 2)

    def take(self, name: str) -> None:
        """Photograph what is to be seen."""
        keep(self._driver.get_screenshot_as_png(), self._folder / f"{name}.png")


def keep(picture: bytes, path: Path) -> None:
    """Write a picture in 256 colours, which a page of text needs no more than."""
    few = Image.open(BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path}  {path.stat().st_size // 1000} kB")


def take_dashboard(folder: Path) -> None:
    """The dashboard after 40 days of lessons, by a clock by which it is the evening now."""
    now = datetime.now(UTC)
    zone = ZoneInfo(f"Etc/GMT{(now.hour - 20) % 24 - (24 if (now.hour - 20) % 24 > 14 else 0):+d}")
    live(Journal(folder / "journal"), 40, now, zone)
    with (
        serving(folder, time_zone=str(zone)) as served,
        playwright_chromium() as browser,
        opened(browser, served.url) as seen,
    ):
        seen.load()
        below = seen.page.locator("#routes").bounding_box()
        clip: FloatRect = {"x": 0, "y": 0, "width": 1440, "height": below["y"] if below else 1480}
        keep(seen.page.screenshot(full_page=True, clip=clip), HERE / "dashboard.png")


def take_all(pages: Pages) -> None:
    """The pages that the README shows."""
    cost = pages.experiment("LLM_Cost")
    hard = quote('tags.model = "gpt-4o" AND tags.task_type = "complex_reasoning"')
    runs = "runs?workflowType=machine_learning&compareRunsMode=CHART"
    pages.open(f"/#/experiments/{cost}/{runs}&searchFilter={hard}")
    pages.click("//*[text()='estimated_cost_usd']/ancestor::*[.//button][1]//button")
    pages.take("llm_cost")

    turns = pages.experiment("ExamsGraph")
    understood_little = "feedback.understanding_score <= 2"
    trace = pages.client.search_traces(
        locations=[turns], filter_string=understood_little, max_results=1, include_spans=False
    )[0]
    pages.open(f"/#/experiments/{turns}/traces?selectedEvaluationId={trace.info.trace_id}")
    pages.click("//button[contains(., 'Assess')]")
    pages.take("trace")

    paths = pages.experiment("GraphRAG_Path_Tracing")
    strange = pages.client.search_runs([paths], "metrics.anomalous_hops > 0", max_results=1)[0]
    page = f"runs/{strange.info.run_id}/artifacts/graph_exploration_path.html"
    pages.open(f"/#/experiments/{paths}/{page}?workflowType=machine_learning")
    pages.take("path")


def main() -> None:
    """Give the lesson, ship it to a server, and photograph its pages."""
    os.environ["EXAMSGRAPH_SHIP"] = "off"
    with TemporaryDirectory(prefix="examsgraph-") as name:
        folder = Path(name)
        take_dashboard(folder / "dashboard")
        data = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
        artifacts = ["--artifacts-destination", str(folder / "artifacts")]
        with running_mlflow(["server", *data, *artifacts, "--workers", "2"], folder) as uri:
            ship(lesson(folder), uri)
            with chromium(folder) as driver:
                take_all(Pages(driver, uri, HERE))


if __name__ == "__main__":
    main()
