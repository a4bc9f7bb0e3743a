"""The dashboard in a real browser: figures, filters, phones, darkness, keyboards, two languages, no leaks."""

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from fsspec.implementations.memory import MemoryFileSystem
from playwright.sync_api import Browser

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.events import Hop
from examsgraph_callbacks.experiments.evidence import ArmEvidence, Evidence
from examsgraph_callbacks.experiments.metrics import METRICS
from examsgraph_callbacks.experiments.verdicts import _cautions, _why_invalid
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.lake import lake_of
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.server import Service, api_router, application, page_router
from examsgraph_callbacks.settings import Settings
from tests.analytics.facts import answered, explored, feedback, silent
from tests.experiments.classes import plan
from tests.server.dashboard_browser import Seen, chromium, opened
from tests.server.served import Served, serving
from tests.servers.lived_journal import SEOUL, live

pytestmark = pytest.mark.timeout(600)

HOSTILE = "<img src=x onerror=\"document.title='run'\">"
POLL_MS = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Twelve days of lessons, served to this machine."""
    folder = tmp_path_factory.mktemp("lived")
    live(Journal(folder / "journal"), 12, datetime.now(UTC))
    with serving(folder) as server:
        yield server


@pytest.fixture
def seen(browser: Browser, served: Served) -> Iterator[Seen]:
    with opened(browser, served.url) as page:
        page.load()
        yield page
        assert page.complaints == []
        assert {url for url in page.requests if not url.startswith((served.url, "blob:"))} == set()


def told(served: Served, part: str, **asked: str) -> Any:
    return httpx.get(f"{served.api}/{part}", params=asked, timeout=60).json()["data"]


def month(days: int = 30) -> dict[str, str]:
    today = datetime.now(SEOUL).date()
    return {"since": f"{today - timedelta(days=days - 1)}", "until": f"{today + timedelta(days=1)}"}


def picture(seen: Seen, name: str) -> None:
    """Keep what the page looks like where somebody wants to see it."""
    if folder := os.environ.get("EXAMSGRAPH_PICTURES"):
        seen.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def serious(page: Seen) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = Axe().run(page.page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:150]}"
        for each in found
        if each["impact"] in {"serious", "critical", "moderate"}
        for node in each["nodes"]
    ]


def test_every_part_shows_what_the_server_knows(seen: Seen, served: Served) -> None:
    spending = told(served, "dashboard/spending")
    tile = seen.text("[data-tile=costMonth]")
    assert f"₩{spending['month']['income_krw']:,}" in tile
    assert f"{spending['month']['calls']:,} calls" in tile
    costs = told(served, "dashboard/costs", **month())
    assert f"{costs['calls']:,} calls" in seen.text("#costs")
    assert f"${costs['cost_usd']:.2f}" in seen.text("#costs .lead") or costs["cost_usd"] < 1
    for concept in told(served, "dashboard/concepts", **month())["concepts"]:
        assert concept["concept"] in seen.text("#concepts")
        assert f"{concept['failures']} failure" in seen.text("#concepts")
    for route in told(served, "dashboard/routes", **month())["routes"]:
        assert route["task_type"] in seen.text("#routes")
    assert "misrouted" in seen.text("#routes")
    assert told(served, "dashboard/speed", **month())["models"][0]["model"] in seen.text("#speed")
    paths = told(served, "dashboard/paths", **month())
    assert seen.page.locator("#paths .picture img").count() == len(paths["newest"]) > 0
    assert "tutor_tone" in seen.text("#experiments")
    incidents = told(served, "incidents")
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


def test_a_model_narrows_the_page_and_the_address_keeps_it(seen: Seen, served: Served) -> None:
    model = told(served, "dashboard/choices")["models"][-1]
    seen.page.select_option("select[name=model]", model)
    seen.settle()
    narrowed = told(served, "dashboard/costs", model=model, **month())
    assert f"{narrowed['calls']:,} calls" in seen.text("#costs")
    assert f"model={model}" in seen.page.url
    seen.page.reload()
    seen.settle()
    assert f"{narrowed['calls']:,} calls" in seen.text("#costs")
    seen.page.get_by_role("button", name="Clear filters").click()
    seen.settle()
    assert "model=" not in seen.page.url
    assert f"{told(served, 'dashboard/costs', **month())['calls']:,} calls" in seen.text("#costs")


def test_a_concept_is_chosen_with_the_keyboard_alone(seen: Seen) -> None:
    row = seen.page.locator("#concepts button.row").first
    concept = row.locator(".name").inner_text()
    row.focus()
    assert row.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    seen.page.keyboard.press("Enter")
    seen.settle()
    assert seen.page.locator("#concepts .row .name").all_inner_texts() == [concept]
    assert seen.page.input_value("input[name=concept]") == concept
    # what had the focus has it still
    assert seen.page.evaluate("document.activeElement.dataset.key") == f"concept {concept}"


def test_a_period_narrows_the_page_and_dates_can_be_told(seen: Seen, served: Served) -> None:
    seen.page.get_by_role("button", name="7 days").click()
    seen.settle()
    assert f"{told(served, 'dashboard/costs', **month(7))['calls']:,} calls" in seen.text("#costs")
    seen.page.get_by_role("button", name="Dates").click()
    day = f"{datetime.now(SEOUL).date() - timedelta(days=5)}"
    seen.page.fill("input[name=from]", day)
    seen.settle()
    seen.page.fill("input[name=to]", day)
    seen.settle()
    until = f"{datetime.now(SEOUL).date() - timedelta(days=4)}"
    of_day = told(served, "dashboard/costs", since=day, until=until)
    assert of_day["by"] == "hour"
    assert f"{of_day['calls']:,} calls" in seen.text("#costs")
    assert "Cost by hour" in seen.text("#costs")


def test_a_filter_that_nothing_matches_says_so(seen: Seen) -> None:
    seen.page.fill("input[name=concept]", "nobody's concept")
    seen.page.keyboard.press("Enter")
    seen.settle()
    for part in ("costs", "concepts", "paths", "speed", "routes"):
        assert "Nothing matches these filters" in seen.text(f"#{part}")


def test_korean_is_spoken_to_who_speaks_it_and_a_choice_is_kept(browser: Browser, served: Served) -> None:
    with opened(browser, served.url, locale="ko-KR") as seen:
        seen.load()
        assert seen.page.get_attribute("html", "lang") == "ko"
        assert "이번 달 비용" in seen.text("#tiles")
        assert seen.text("[data-tile=costMonth] .value").startswith("₩")
        assert "최근의 이상한 경로" in seen.text("#paths")
        assert "24시간 안에 이해도 2점 이하" in seen.text("#incidents")
        seen.page.click("#incidents summary")
        titles = seen.page.locator("#incidents li p:first-of-type").all_inner_texts()
        assert not [title for title in titles if "within" in title or "more than" in title]
        seen.page.get_by_role("button", name="English").click()
        assert "Cost this month" in seen.text("#tiles")
        seen.page.reload()
        seen.settle()
        assert "Cost this month" in seen.text("#tiles")
        assert seen.complaints == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_at_no_width_does_the_page_scroll_sideways(browser: Browser, served: Served, width: int) -> None:
    with opened(browser, served.url, viewport={"width": width, "height": 800}, has_touch=width < 800) as seen:
        seen.load()
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        charts = seen.page.eval_on_selector_all(
            ".chart", "all => all.map((each) => [each.clientWidth, each.querySelector('.uplot').clientWidth])"
        )
        assert charts
        assert all(abs(host - chart) <= 1 for host, chart in charts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("locale", "width"), [("en-US", 1440), ("ko-KR", 390)])
def test_axe_finds_nothing_that_keeps_people_out(
    browser: Browser, served: Served, scheme: Any, locale: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    with opened(browser, served.url, color_scheme=scheme, locale=locale, viewport=size) as seen:
        seen.load()
        for summary in seen.page.locator("summary").all():
            summary.click()
        assert serious(seen) == []
        seen.page.locator("#paths .picture").first.click()
        assert serious(seen) == []


def test_in_the_dark_the_page_is_dark_and_the_charts_with_it(browser: Browser, served: Served) -> None:
    def look(seen: Seen) -> tuple[str, str]:
        back = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return back, seen.page.locator("#costs canvas").evaluate("each => each.toDataURL()")

    with opened(browser, served.url, color_scheme="light") as seen:
        seen.load()
        light = look(seen)
        seen.page.emulate_media(color_scheme="dark")
        seen.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        dark = look(seen)
    assert dark[0] == "rgb(14, 16, 23)"
    assert light[1] != dark[1]


def test_who_wants_no_motion_sees_none(browser: Browser, served: Served) -> None:
    with opened(browser, served.url, reduced_motion="reduce") as seen:
        seen.load()
        assert seen.page.evaluate("document.getAnimations().length") == 0


def test_what_is_new_comes_by_itself_and_costs_nothing_while_nothing_is(
    browser: Browser, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal")
    journal.write(answered(event_id="first", started_at=datetime.now(UTC)))
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        told(served, "dashboard/choices")  # starts the engine, which no part is to rest for
        seen.page.clock.install()
        seen.load()
        assert "1 call " in seen.text("#costs .lead")
        assert len(seen.asked()) == 10
        for _ in range(2):
            with seen.page.expect_response("**/dashboard/standing") as unchanged:
                seen.page.clock.run_for(POLL_MS)
            assert unchanged.value.status == 304
        assert seen.asked() == ["dashboard/standing"] * 2
        journal.write(answered(event_id="second", started_at=datetime.now(UTC)))
        for _ in range(120):  # a question that took long rests before it is asked again
            seen.page.clock.run_for(POLL_MS)
            seen.page.wait_for_timeout(500)
            if all("2 calls" in seen.text(place) for place in ("#costs .lead", "[data-tile=costToday]")):
                break
        assert "2 calls" in seen.text("#costs .lead")
        assert "2 calls" in seen.text("[data-tile=costToday]")
        seen.page.click("#live")
        seen.asked()
        seen.page.clock.run_for(10 * POLL_MS)
        assert seen.asked() == [], "paused"
        assert "Paused" in seen.text("#live")


def test_while_the_server_is_away_the_figures_stay_and_it_says_so(browser: Browser, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.write(answered(started_at=datetime.now(UTC)))
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        seen.page.clock.install()
        seen.load()
        served.kill()
        seen.page.clock.run_for(POLL_MS)
        seen.page.wait_for_selector("#live[data-state=offline]")
        assert "No answer" in seen.text("#live")
        assert "1 call " in seen.text("#costs .lead")


def test_a_token_is_asked_for_kept_in_the_tab_and_never_in_an_address(
    browser: Browser, tmp_path: Path
) -> None:
    Journal(tmp_path / "journal").write(answered(started_at=datetime.now(UTC)))
    with serving(tmp_path, api_tokens="write:wr1te,read:r3ad") as served, opened(browser, served.url) as seen:
        seen.page.goto(served.url)
        seen.page.wait_for_selector("#signin input")
        assert not seen.page.is_visible("#board")
        assert serious(seen) == []
        for wrong, said in (("nonsense", "does not know this token"), ("wr1te", "may not read")):
            seen.page.fill("#token", wrong)
            seen.page.keyboard.press("Enter")
            seen.page.wait_for_selector(f"#token-problem:has-text('{said}')")
        seen.page.fill("#token", "r3ad")
        seen.page.keyboard.press("Enter")
        seen.settle()
        assert "1 call " in seen.text("#costs .lead")
        assert seen.page.evaluate("Object.values(sessionStorage)") == ["r3ad"]
        assert "r3ad" not in str(seen.page.evaluate("JSON.stringify(localStorage)"))
        seen.page.reload()
        seen.settle()
        assert not [url for url in [*seen.requests, seen.page.url] if "r3ad" in url]
        seen.page.get_by_role("button", name="Forget token").click()
        seen.page.wait_for_selector("#signin input")
        assert seen.page.evaluate("sessionStorage.length") == 0
        assert not seen.page.is_visible("#board")


def test_what_facts_say_stays_text(browser: Browser, tmp_path: Path) -> None:
    journal, now = Journal(tmp_path / "journal"), datetime.now(UTC)
    hop = Hop(node=HOSTILE, relation=HOSTILE, next_node=f"</svg>{HOSTILE}", similarity_score=0.1)
    for fact in (
        answered(served_model=HOSTILE, requested_model=HOSTILE, task_type=HOSTILE, wrong_concept=HOSTILE),
        explored(hop, wrong_concept=HOSTILE, query=HOSTILE, question_id=HOSTILE),
        feedback(concept=HOSTILE),
    ):
        journal.write(
            fact.model_copy(update={"started_at": now, "event_id": f"{fact.kind}", "trace_id": "t"})
        )
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        seen.load()
        for part in ("concepts", "costs", "routes", "speed", "paths"):
            assert HOSTILE in seen.text(f"#{part}"), part
        seen.page.locator("#paths .picture").click()
        assert HOSTILE in seen.text("dialog")
        seen.page.keyboard.press("Escape")
        seen.page.locator("#concepts button.row").click()
        seen.settle()
        assert HOSTILE in seen.text("#concepts")
        assert seen.page.title() == "ExamsGraph"
        sources = seen.page.eval_on_selector_all(
            "img", "all => all.map((each) => new URL(each.src).protocol)"
        )
        assert set(sources) == {"blob:", "http:"}
        assert seen.page.locator("img[onerror]").count() == 0
        assert seen.complaints == []


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


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The address of an application that runs in a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


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


def test_parts_say_that_the_lake_cannot_be_reached_and_the_others_go_on(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, lake = Journal(tmp_path / "journal"), f"memory://{tmp_path.name}/lake"
    journal.write(answered(started_at=datetime.now(UTC)))
    journal.close()
    compact(journal, Meter(), is_delivered=lambda _segment, _size: True, lake=lake_of(journal.path, lake))

    def fail(*_given: Any, **_named: Any) -> None:
        raise ConnectionError("cannot connect to https://store.example")

    away = "lake cannot be reached now (ConnectionError)"
    with (
        running(application(Service(journal, Settings(lake=lake)))) as url,
        opened(browser, url) as seen,
        monkeypatch.context() as patched,
    ):
        seen.load()
        assert "1 call " in seen.text("#costs .lead")
        for name in ("ls", "info", "open", "cat_file", "glob", "find", "exists", "modified"):
            patched.setattr(MemoryFileSystem, name, fail)
        seen.page.get_by_role("button", name="7 days").click()
        seen.settle()
        for place in ("#costs", "#routes", "#speed", "#concepts", "#paths"):
            assert away in seen.text(place), place
        # what is not narrowed keeps what was right when it was drawn, and says so
        assert away in seen.text("#experiments")
        assert "No prompt experiments yet" in seen.text("#experiments")
        assert "$0.0118" in seen.text("[data-tile=costToday]")
        assert away not in seen.text("#incidents")
        picture(seen, "lake-away")
        patched.undo()
        seen.page.get_by_role("button", name="90 days").click()
        seen.settle()
        assert "1 call " in seen.text("#costs .lead")
        assert away not in seen.text("main")


def test_a_report_is_a_page_that_its_strict_policy_lets_be_as_it_is(browser: Browser, served: Served) -> None:
    address = f"{served.api}/experiments/tutor_tone/page"
    policy = httpx.get(address, timeout=60).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for scheme in ("light", "dark"):
        with opened(browser, served.url, color_scheme=scheme) as seen:
            seen.page.goto(address)
            verdict = seen.page.locator(".verdict").first
            assert verdict.evaluate("each => getComputedStyle(each).borderLeftWidth") == "4px"
            assert serious(seen) == []
            picture(seen, f"experiment-{scheme}")
            assert seen.complaints == []


def test_who_speaks_korean_is_told_paths_and_verdicts_in_korean(browser: Browser, served: Served) -> None:
    with opened(browser, served.url, locale="ko-KR") as seen:
        seen.load()
        assert [each for each in seen.asked() if each.startswith("dashboard/paths") and "language=ko" in each]
        seen.page.get_by_role("button", name="판정 계산하기").click()
        seen.page.wait_for_selector("#experiments .verdict", timeout=60_000)
        assert seen.page.locator("#experiments .verdict [lang=en]").count() == 0
        said = seen.text("#experiments .verdict")
        assert re.search("v2_friendly: (v1_strict보다|데이터가 아직|판정할 수 없음)", said), said
        picture(seen, "korean")
        with seen.page.expect_response("**/dashboard/paths*language=en*"):
            seen.page.get_by_role("button", name="English").click()
        seen.page.wait_for_selector("#paths .picture img[alt^='The hops']")
        seen.page.wait_for_selector("#experiments .verdict:has-text('v2_friendly')")
        assert seen.complaints == []


def test_a_verdict_is_worked_out_when_it_is_asked_for(seen: Seen) -> None:
    seen.page.get_by_role("button", name="Work out the verdict").click()
    seen.page.wait_for_selector("#experiments .verdict", timeout=60_000)
    assert "v2_friendly" in seen.text("#experiments .verdict")


def reported() -> dict[str, Any]:
    """A report with every verdict, every reason for none, and every caution."""
    settled = plan({"v1_strict": 0.5, "v2_friendly": 0.5})
    arms = {
        name: ArmEvidence(learners, 9000, answered, dict.fromkeys(METRICS, ()))
        for name, learners, answered in (("v1_strict", 5000, 8000), ("v2_friendly", 3000, 1000))
    }
    evidence = Evidence(settled, False, settled.started_at, (), arms, mixed=0, unpriced=1234)
    pair = ("v2_friendly", "v1_strict")
    kinds = (evidence, replace(evidence, replanned=True), replace(evidence, mixed=4000))
    reasons = [_why_invalid(each, *pair) for each in kinds]
    seen = {"estimate": 0.12, "low": 0.04, "high": 0.2, "bound": 0.03, "decided_on": "2025-03-08"}
    beside = {"fraction": 0.25, "learners_needed": 1200, "others": [], "why": None}
    worse = {"metric": "cost_usd", "estimate": 0.01, "low": 0.005, "high": 0.02, "change": "worse"}
    compared: list[dict[str, Any]] = [
        *({"verdict": "invalid", "why": reason} for reason in reasons),
        {"verdict": "better", "others": [worse]},
        {"verdict": "worse"},
        {"verdict": "no difference larger than"},
        {"verdict": "not enough data"},
        {"verdict": "not enough data", "low": None, "high": None},
        {"verdict": "not enough data", "estimate": None, "low": None, "high": None, "learners_needed": None},
    ]
    comparisons = [{"variant": "v2_friendly", **seen, **beside, **each} for each in compared]
    cautions = [*_cautions(replace(evidence, mixed=4000))]
    assert (len({*reasons} - {None}), len(cautions)) == (3, 3)
    told = {"control": "v1_strict", "metric": "satisfaction", "minimum_effect": 0.05, "significance": 0.05}
    sentences = [f"in English {number}" for number in range(len(compared))]
    return {**told, "power": 0.8, "comparisons": comparisons, "cautions": cautions, "sentences": sentences}


def test_every_verdict_reason_and_caution_has_its_korean_sentence(browser: Browser, served: Served) -> None:
    with opened(browser, served.url, locale="ko-KR") as seen:
        seen.page.route("**/report", lambda route: route.fulfill(json={"data": reported()}))
        seen.load()
        seen.page.get_by_role("button", name="판정 계산하기").click()
        seen.page.wait_for_selector("#experiments .verdict")
        said = seen.page.locator("#experiments .verdict p").all_inner_texts()
        picture(seen, "verdicts")
    assert len(said) == 9 + 3
    words = {word for line in said for word in re.findall("[A-Za-z]{2,}", line)}
    assert words <= {"strict", "friendly", "USD", "ID"}, said
    assert said[3] == (
        "v2_friendly: v1_strict보다 나음. 만족도 +0.120 (95% 구간 +0.040 ~ +0.200), 2025-03-08에 결정. "
        "다만 비용 +0.010000 USD (+0.005000 USD ~ +0.020000 USD) 나빠짐."
    )
    assert "학습자 약 1,200명이 더 필요함" in said[6]
    assert "1,234건" in said[10]


def test_every_control_is_reached_with_the_tab_key_and_shows_it(seen: Seen) -> None:
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(120):
        seen.page.keyboard.press("Tab")
        key, outline = seen.page.evaluate(
            "(() => { const it = document.activeElement; return [it.dataset.key ?? it.id ?? it.tagName,"
            "getComputedStyle(it).outlineStyle] })()"
        )
        if key in reached and key != "":
            continue
        reached.add(key)
        assert outline != "none" or key == "", key
    controls = seen.page.eval_on_selector_all(
        "button[data-key], select[data-key], input[data-key], summary[data-key]",
        "all => all.filter((each) => each.checkVisibility()).map((each) => each.dataset.key)",
    )
    assert set(controls) - reached == set()


BUSY = {"status": 503, "json": {"error": {"message": "too much is asked at once"}}}


def test_a_part_that_has_no_answer_says_why_wherever_it_is_shown(browser: Browser, tmp_path: Path) -> None:
    Journal(tmp_path / "journal").write(answered(started_at=datetime.now(UTC)))
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        for part in ("dashboard/spending", "dashboard/routes"):
            seen.page.route(f"**/{part}*", lambda route: route.fulfill(**BUSY))
        seen.load()  # which waits until nothing is waited for any more
        for place in ("[data-tile=costToday]", "[data-tile=costMonth]", "[data-tile=misrouted]", "#routes"):
            assert "too much is asked at once" in seen.text(place), place
        assert "1 call " in seen.text("#costs .lead")
        seen.page.unroute_all()
        seen.page.get_by_role("button", name="7 days").click()
        seen.settle()
        assert "1 call " in seen.text("[data-tile=costToday]")
        assert "0%" in seen.text("[data-tile=misrouted]")


def test_a_figure_of_other_filters_does_not_stand_for_one_that_did_not_come(
    browser: Browser, tmp_path: Path
) -> None:
    Journal(tmp_path / "journal").write(answered(started_at=datetime.now(UTC)))
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        seen.load()
        before = seen.text("[data-tile=p95] .value")
        assert "ms" in before or " s" in before
        seen.page.goto(f"{served.url}/?days=custom&from=2026-02-01&to=2026-01-01")
        seen.page.reload()
        seen.settle()
        assert "later than since" in seen.text("#speed")
        seen.page.get_by_role("button", name="7 days").click()
        seen.settle()
        assert seen.text("[data-tile=p95] .value") == before
        seen.page.route("**/dashboard/speed*", lambda route: route.fulfill(**BUSY))
        seen.page.get_by_role("button", name="90 days").click()
        seen.settle()
        assert seen.text("[data-tile=p95] .value") == "–"


def test_a_part_that_cannot_be_drawn_keeps_no_other_from_it(browser: Browser, tmp_path: Path) -> None:
    Journal(tmp_path / "journal").write(answered(started_at=datetime.now(UTC)))
    with serving(tmp_path) as served, opened(browser, served.url) as seen:
        seen.page.route("**/dashboard/costs*", lambda route: route.fulfill(json={"data": {"by": "day"}}))
        seen.load()
        assert "no answer now" in seen.text("#costs")
        assert "gpt-4o" in seen.text("#routes")
        assert seen.page.get_attribute("#live", "data-state") == "live"


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


def test_a_verdict_that_was_not_to_be_had_can_be_asked_for_again(seen: Seen) -> None:
    seen.page.route("**/report", lambda route: route.fulfill(json=BUSY["json"], status=503))
    seen.page.get_by_role("button", name="Work out the verdict").click()
    seen.page.wait_for_selector("#experiments .alarm")
    assert "too much is asked at once" in seen.text("#experiments")
    seen.page.unroute_all()
    seen.page.get_by_role("button", name="Work out the verdict").click()
    seen.page.wait_for_selector("#experiments .verdict", timeout=60_000)
    assert seen.page.locator("#experiments .alarm").count() == 0
    seen.complaints[:] = [each for each in seen.complaints if "503" not in each]


def test_who_signs_out_leaves_nothing_on_the_page_even_while_the_server_is_away(
    browser: Browser, tmp_path: Path
) -> None:
    Journal(tmp_path / "journal").write(answered(started_at=datetime.now(UTC)))
    with serving(tmp_path, api_tokens="read:r3ad") as served, opened(browser, served.url) as seen:
        seen.page.goto(served.url)
        seen.page.fill("#token", "r3ad")
        seen.page.keyboard.press("Enter")
        seen.settle()
        assert "gpt-4o" in seen.page.content()
        served.kill()
        seen.page.get_by_role("button", name="Forget token").click()
        seen.page.wait_for_selector("#live[data-state=offline]")
        assert not seen.page.is_visible("#board")
        assert "gpt-4o" not in seen.page.content()
