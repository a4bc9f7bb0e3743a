"""A real Chromium without a window, and a page in a frame as strict as MLflow's artifact viewer's."""

import html
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Frame", "chromium", "framed"]

# of its own accord it shall do nothing
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # else what a sandboxed frame asks for is in no log that the driver reads
    "--disable-features=IsolateSandboxedIframes",
)


@contextmanager
def chromium(profile: Path, *flags: str) -> Iterator[Any]:
    """A selenium driver; skips, with the reason, where no Chromium is to be had."""
    driver_path, browser_path = shutil.which("chromedriver"), shutil.which("chromium")
    if driver_path is None or browser_path is None:
        pytest.skip("no chromium and chromedriver on PATH: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = browser_path
    for flag in (*FLAGS, *flags, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver_path))
    try:
        yield driver
    finally:
        driver.quit()


class Frame:
    """A page inside a frame that may run scripts and has no origin."""

    def __init__(self, driver: Any, page: str, folder: Path, width: int = 900, height: int = 1200) -> None:
        self._driver = driver
        self._host = folder / "host.html"
        self._host.write_text(
            "<!doctype html><style>html,body{margin:0;height:100%}"
            "iframe{display:block;border:0;width:100%;height:100%}</style>"
            f'<iframe sandbox="allow-scripts" srcdoc="{html.escape(page)}"></iframe>',
            encoding="utf-8",
        )
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.requests()  # forgets what came before
        driver.get(self._host.as_uri())
        driver.switch_to.frame(0)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function's body returns inside the frame."""
        return self._driver.execute_script(script, *arguments)

    def keys(self, selector: str, *keys: str) -> None:
        """Press keys at an element."""
        self._driver.find_element("css selector", selector).send_keys(*keys)

    def requests(self) -> list[str]:
        """The addresses that were asked for since, but for the host page and the frame itself."""
        asked = []
        for entry in self._driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        return [url for url in asked if url not in {self._host.as_uri(), "about:srcdoc"}]

    def complaints(self) -> list[str]:
        """What the browser's console holds: errors of scripts, and what the page's policy forbade."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def picture(self, path: Path) -> None:
        """The window as a PNG."""
        self._driver.save_screenshot(str(path))


@contextmanager
def framed(driver: Any, page: str, folder: Path, **size: int) -> Iterator[Frame]:
    """The page, framed; afterwards the driver stands outside again."""
    try:
        yield Frame(driver, page, folder, **size)
    finally:
        driver.switch_to.default_content()
