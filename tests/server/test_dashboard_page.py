"""The dashboard in a real browser: the figures that the server knows, narrowed by its filters."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, api_router, page_router
from tests.analytics.facts import answered, silent
from tests.server.dashboard_browser import Seen, month, opened, running, serious, told
from tests.server.served import Served, serving
from tests.servers.lived_journal import SEOUL

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("far_from_midnight")]


def test_every_part_shows_what_the_server_knows(seen: Seen, lived: Served) -> None:
    spending = told(lived, "dashboard/spending")
    tile = seen.text("[data-tile=costMonth]")
    assert f"₩{spending['month']['income_krw']:,}" in tile
    assert f"{spending['month']['calls']:,} calls" in tile
    costs = told(lived, "dashboard/costs", **month())
    assert f"{costs['calls']:,} calls" in seen.text("#costs")
    assert f"${costs['cost_usd']:.2f}" in seen.text("#costs .lead") or costs["cost_usd"] < 1
    for concept in told(lived, "dashboard/concepts", **month())["concepts"]:
        assert concept["concept"] in seen.text("#concepts")
        assert f"{concept['failures']} failure" in seen.text("#concepts")
    for route in told(lived, "dashboard/routes", **month())["routes"]:
        assert route["task_type"] in seen.text("#routes")
    assert "misrouted" in seen.text("#routes")
    assert told(lived, "dashboard/speed", **month())["models"][0]["model"] in seen.text("#speed")
    paths = told(lived, "dashboard/paths", **month())
    assert seen.page.locator("#paths .picture img").count() == len(paths["newest"]) > 0
    assert "tutor_tone" in seen.text("#experiments")
    incidents = told(lived, "incidents")
    assert seen.page.locator("#incidents > .incidents > li").count() == incidents["open"]


def test_the_pictures_of_paths_are_drawn_and_open_large(seen: Seen) -> None:
    sizes = seen.page.eval_on_selector_all("#paths img", "all => all.map((each) => each.naturalWidth)")
    assert sizes
    assert min(sizes) > 100
    seen.page.locator("#paths .picture").first.press("Enter")
    assert seen.page.locator("dialog[open] img").evaluate(
        "each => each.decode().then(() => each.naturalWidth)"
    )
    assert "drifts from" in seen.text("dialog[open] table") or "leaves" in seen.text("dialog[open] table")
    seen.page.keyboard.press("Escape")
    seen.page.locator("dialog").wait_for(state="detached")


def test_charts_are_drawn_and_told_as_a_table_too(seen: Seen) -> None:
    for part, heads in (("costs", 7), ("speed", 4)):
        drawn = seen.page.locator(f"#{part} .chart canvas").evaluate(
            "each => { const data = each.getContext('2d').getImageData(0, 0, each.width, each.height).data;"
            "return new Set(new Uint32Array(data.buffer)).size }"
        )
        assert drawn > 20
        assert seen.page.locator(f"#{part} .chart").get_attribute("aria-label")
        seen.page.click(f"#{part} summary")
        assert seen.page.locator(f"#{part} details thead th").count() == heads
        assert seen.page.locator(f"#{part} details tbody tr").count() >= 10


def test_a_model_narrows_the_page_and_the_address_keeps_it(seen: Seen, lived: Served) -> None:
    model = told(lived, "dashboard/choices")["models"][-1]
    seen.page.select_option("select[name=model]", model)
    seen.settle()
    narrowed = told(lived, "dashboard/costs", model=model, **month())
    assert f"{narrowed['calls']:,} calls" in seen.text("#costs")
    assert f"model={model}" in seen.page.url
    seen.page.reload()
    seen.settle()
    assert f"{narrowed['calls']:,} calls" in seen.text("#costs")
    seen.page.get_by_role("button", name="Clear filters").click()
    seen.settle()
    assert "model=" not in seen.page.url
    assert f"{told(lived, 'dashboard/costs', **month())['calls']:,} calls" in seen.text("#costs")


def test_a_period_narrows_the_page_and_dates_can_be_told(seen: Seen, lived: Served) -> None:
    seen.page.get_by_role("button", name="7 days").click()
    seen.settle()
    assert f"{told(lived, 'dashboard/costs', **month(7))['calls']:,} calls" in seen.text("#costs")
    seen.page.get_by_role("button", name="Dates").click()
    day = f"{datetime.now(SEOUL).date() - timedelta(days=5)}"
    seen.page.fill("input[name=from]", day)
    seen.settle()
    seen.page.fill("input[name=to]", day)
    seen.settle()
    until = f"{datetime.now(SEOUL).date() - timedelta(days=4)}"
    of_day = told(lived, "dashboard/costs", since=day, until=until)
    assert of_day["by"] == "hour"
    assert f"{of_day['calls']:,} calls" in seen.text("#costs")
    assert "Cost by hour" in seen.text("#costs")


def test_a_filter_that_nothing_matches_says_so(seen: Seen) -> None:
    seen.page.fill("input[name=concept]", "nobody's concept")
    seen.page.keyboard.press("Enter")
    seen.settle()
    for part in ("costs", "concepts", "paths", "speed", "routes"):
        assert "Nothing matches these filters" in seen.text(f"#{part}")


def test_an_empty_journal_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        seen.load()
        assert "examsgraph demo" in seen.text("#costs")
        assert "examsgraph alerts run --follow" in seen.text("#incidents")
        assert "EXAMSGRAPH_EXPERIMENTS" in seen.text("#experiments")
        for part in ("concepts", "speed", "paths", "routes"):
            assert seen.page.locator(f"#{part} .empty").count() == 1, part
        assert serious(seen) == []
        assert seen.complaints == []


def test_a_cost_that_nobody_knows_is_not_told_as_nothing(browser: Browser, tmp_path: Path) -> None:
    journal, now = Journal(tmp_path / "journal"), datetime.now(UTC)
    journal.write(answered(event_id="priced", started_at=now))
    of_nobody = {"requested_model": "tutor-ko-7b", "served_model": "tutor-ko-7b"}
    journal.write(answered(event_id="unpriced", started_at=now, **of_nobody))
    journal.write(silent(event_id="estimated", started_at=now))
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        seen.load()
        for place in ("[data-tile=costToday]", "#costs .lead"):
            said = seen.text(place)
            assert "≥ $0.0118" in said
            assert "33% unpriced · 33% estimated" in said
        assert "tutor-ko-7b –" in " ".join(seen.text("#costs .legend").split())


def test_in_an_application_of_the_users_own_the_page_asks_beside_itself(
    browser: Browser, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal")
    journal.write(answered(started_at=datetime.now(UTC)))
    app, service = FastAPI(), Service(journal)
    for router in (page_router(), api_router(service)):
        app.include_router(router, prefix="/monitoring")
    with running(app) as url, opened(browser, url) as seen:
        seen.load("/monitoring/")
        assert "1 call " in seen.text("#costs .lead")
        assert seen.complaints == []


def test_a_verdict_is_worked_out_when_it_is_asked_for(seen: Seen) -> None:
    seen.page.get_by_role("button", name="Work out the verdict").click()
    seen.page.wait_for_selector("#experiments .verdict", timeout=60_000)
    assert "v2_friendly" in seen.text("#experiments .verdict")


def test_a_day_that_there_is_not_is_none_and_a_date_can_be_typed(browser: Browser, tmp_path: Path) -> None:
    Journal(tmp_path / "journal").write(answered(started_at=datetime.now(UTC)))
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        seen.load("/?days=custom&from=2025-02-30&to=2025-13-45")
        assert "1 call " in seen.text("#costs .lead")
        assert seen.page.get_attribute("#live", "data-state") == "live"
        seen.page.focus("input[name=from]")
        seen.page.keyboard.type("01152025")
        assert seen.page.input_value("input[name=from]") == "2025-01-15"
        seen.settle()
        assert "from=2025-01-15" in seen.page.url
        assert not [each for each in seen.asked() if "since=0" in each]
