"""The dashboard in a real browser: what it says in Korean, of a lake that is away, and a report as a page."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from playwright.sync_api import Browser

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.experiments.evidence import ArmEvidence, Evidence
from examsgraph_callbacks.experiments.metrics import METRICS
from examsgraph_callbacks.experiments.verdicts import _cautions, _why_invalid
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.lake import lake_of
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.server import Service, application
from examsgraph_callbacks.settings import Settings
from tests.analytics.facts import answered
from tests.experiments.classes import plan
from tests.server.dashboard_browser import READY_MS, Seen, opened, running, serious
from tests.server.served import Served


def picture(seen: Seen, name: str) -> None:
    """Keep what the page looks like where somebody wants to see it."""
    if folder := os.environ.get("EXAMSGRAPH_PICTURES"):
        seen.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.usefixtures("far_from_midnight")
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
        # what is not narrowed keeps what was right when it was drawn, and says so; it is asked for last
        seen.page.wait_for_selector("#experiments [data-failed]", timeout=READY_MS)
        assert away in seen.text("#experiments")
        assert "No prompt experiments yet" in seen.text("#experiments")
        assert "$0.0118" in seen.text("[data-tile=costToday]")
        assert away not in seen.text("#incidents")
        picture(seen, "lake-away")
        patched.undo()
        seen.page.get_by_role("button", name="90 days").click()
        seen.settle()
        assert "1 call " in seen.text("#costs .lead")
        seen.page.wait_for_selector("#experiments [data-failed]", state="detached", timeout=READY_MS)
        assert away not in seen.text("main")


def test_a_report_is_a_page_that_its_strict_policy_lets_be_as_it_is(browser: Browser, lived: Served) -> None:
    address = f"{lived.api}/experiments/tutor_tone/page"
    policy = httpx.get(address, timeout=60).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for scheme in ("light", "dark"):
        with opened(browser, lived.url, color_scheme=scheme) as seen:
            seen.page.goto(address)
            verdict = seen.page.locator(".verdict").first
            assert verdict.evaluate("each => getComputedStyle(each).borderLeftWidth") == "4px"
            assert serious(seen) == []
            picture(seen, f"experiment-{scheme}")
            assert seen.complaints == []


def test_who_speaks_korean_is_told_paths_and_verdicts_in_korean(browser: Browser, lived: Served) -> None:
    with opened(browser, lived.url, locale="ko-KR") as seen:
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


def test_every_verdict_reason_and_caution_has_its_korean_sentence(browser: Browser, lived: Served) -> None:
    with opened(browser, lived.url, locale="ko-KR") as seen:
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
