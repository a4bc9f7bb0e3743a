"""The dashboard in a real browser stays true: what is new comes, what has no answer says so, all is text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from examsgraph_callbacks.events import Hop
from examsgraph_callbacks.journal import Journal
from tests.analytics.facts import answered, explored, feedback
from tests.server.dashboard_browser import BUSY, HOSTILE, POLL_MS, Seen, opened, serious, told
from tests.server.served import serving

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("far_from_midnight")]


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
        while seen.asked():  # the rest of this look, at whose end the next one is set for later
            seen.page.wait_for_timeout(500)
        seen.page.click("#live")
        seen.asked()
        seen.page.clock.run_for(10 * POLL_MS)
        seen.page.wait_for_timeout(500)
        # with which each look begins; one that still waits for a slow answer does not ask for it again
        assert "dashboard/standing" not in seen.asked(), "paused"
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
