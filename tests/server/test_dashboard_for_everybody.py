"""The dashboard in a real browser, for everybody: phones, darkness, keyboards, Korean, screen readers."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.server.dashboard_browser import Seen, opened, serious
from tests.server.served import Served

pytestmark = pytest.mark.timeout(600)


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


def test_korean_is_spoken_to_who_speaks_it_and_a_choice_is_kept(browser: Browser, lived: Served) -> None:
    with opened(browser, lived.url, locale="ko-KR") as seen:
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
def test_at_no_width_does_the_page_scroll_sideways(browser: Browser, lived: Served, width: int) -> None:
    with opened(browser, lived.url, viewport={"width": width, "height": 800}, has_touch=width < 800) as seen:
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
    browser: Browser, lived: Served, scheme: Any, locale: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    with opened(browser, lived.url, color_scheme=scheme, locale=locale, viewport=size) as seen:
        seen.load()
        for summary in seen.page.locator("summary").all():
            summary.click()
        assert serious(seen) == []
        seen.page.locator("#paths .picture").first.click()
        assert serious(seen) == []


def test_in_the_dark_the_page_is_dark_and_the_charts_with_it(browser: Browser, lived: Served) -> None:
    def look(seen: Seen) -> tuple[str, str]:
        back = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return back, seen.page.locator("#costs canvas").evaluate("each => each.toDataURL()")

    with opened(browser, lived.url, color_scheme="light") as seen:
        seen.load()
        light = look(seen)
        seen.page.emulate_media(color_scheme="dark")
        seen.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        dark = look(seen)
    assert dark[0] == "rgb(14, 16, 23)"
    assert light[1] != dark[1]


def test_who_wants_no_motion_sees_none(browser: Browser, lived: Served) -> None:
    with opened(browser, lived.url, reduced_motion="reduce") as seen:
        seen.load()
        assert seen.page.evaluate("document.getAnimations().length") == 0


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
