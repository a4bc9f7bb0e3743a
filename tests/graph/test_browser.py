"""The pictures as a browser shows them: in a frame that may run scripts and reach nothing, as MLflow's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams
from examsgraph_callbacks.graph import what_if
from examsgraph_callbacks.graph.pictures import draw_svg, path_page
from tests.graph.browser import Frame, chromium, framed
from tests.graph.explorations import DOCUMENTS_PATH, of_metacademy, of_the_demo, told

ARROW_RIGHT, HOME, SPACE = "\ue014", "\ue011", " "

# the boxes that the browser really drew, of texts outside frames and of frames with what is in them
DRAWN = """
const boxes = [];
for (const text of document.querySelectorAll("svg.eg text")) {
  if (!text.textContent || text.closest("[display=none]")) continue;
  const box = text.getBBox();
  boxes.push({text: text.textContent, left: box.x, right: box.x + box.width,
              top: box.y, bottom: box.y + box.height, name: text.classList.contains("eg-name")});
}
return boxes;
"""
FRAMES = """
return [...document.querySelectorAll("svg.eg rect:not(.eg-back)")].map((rect) => {
  const box = rect.getBBox();
  return {left: box.x, right: box.x + box.width, top: box.y, bottom: box.y + box.height};
});
"""
# moves the slider as a hand would, to the place that shows a threshold
MOVE = """
const worked = JSON.parse(document.getElementById("results").textContent);
const slider = document.getElementById("threshold");
slider.value = worked.at.findIndex(([shown]) => shown.split(" ")[0] === arguments[0]);
slider.dispatchEvent(new Event("input"));
"""
STATES = """
return Object.fromEntries([...document.querySelectorAll("svg [data-state]")]
  .map((group) => [group.dataset.hop, group.dataset.state]));
"""
TEXT = "return document.getElementById(arguments[0]).textContent"

EXPLORATIONS: dict[str, Callable[[], Exploration]] = {
    "a question": of_the_demo,
    "many branches": lambda: of_the_demo(beam_width=3, max_hops=12, similarity_threshold=0.6),
    "60 hops": of_metacademy,
    "the document's path": lambda: told(*DOCUMENTS_PATH),
    "a long name": lambda: told(
        DOCUMENTS_PATH[0].model_copy(update={"next_node": "데이터베이스 정규화의 목적과 방법 MMWW " * 9})
    ),
}


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(params=EXPLORATIONS)
def exploration(request: pytest.FixtureRequest) -> Exploration:
    return EXPLORATIONS[request.param]()


@pytest.fixture
def page(driver: Any, exploration: Exploration, tmp_path: Path) -> Iterator[Frame]:
    with framed(driver, path_page(exploration), tmp_path) as opened:
        yield opened


def test_a_request_from_inside_the_frame_would_be_seen(driver: Any, tmp_path: Path) -> None:
    probe = "<img src='http://outside.invalid/probe.png'><script>localStorage.setItem('a', 1)</script>"
    with framed(driver, probe, tmp_path) as frame:
        frame.run("return new Promise((done) => document.images[0].addEventListener('error', done) || "
                  "document.images[0].complete && done())")  # fmt: skip
        assert frame.requests() == ["http://outside.invalid/probe.png"]
        assert any("localStorage" in complaint for complaint in frame.complaints())


def test_no_request_leaves_the_page_and_nothing_in_it_fails(page: Frame) -> None:
    page.run(MOVE, "0.80")
    assert page.run("return window.origin") == "null", "the frame has no origin"
    assert page.run("return performance.getEntriesByType('resource').length") == 0
    assert page.requests() == []
    assert page.complaints() == []


def test_the_slider_shows_what_each_threshold_would_have_kept(page: Frame, exploration: Exploration) -> None:
    for threshold in ("0.50", "0.66", "0.72", "0.80", "0.95"):
        page.run(MOVE, threshold)
        answer = what_if(exploration, RetrievalParams(similarity_threshold=float(threshold)))
        states = {int(index): state for index, state in page.run(STATES).items()}
        assert names(exploration, states, "stays", "added") == [*sorted(h.next_node for h in answer.path)]
        assert names(exploration, states, "cut") == sorted(hop.next_node for hop in answer.cut)
        assert page.run(TEXT, "at").split(" ")[0] == threshold
        assert page.run("return document.getElementById('threshold').ariaValueText").startswith(threshold)
        assert page.run(TEXT, "said").startswith("Not exact: ") is not answer.is_exact


def names(exploration: Exploration, states: dict[int, str], *wanted: str) -> list[str]:
    return sorted(exploration.hops[index].next_node for index, state in states.items() if state in wanted)


def test_the_slider_moves_by_keys(driver: Any, tmp_path: Path) -> None:
    with framed(driver, path_page(of_the_demo()), tmp_path) as page:
        assert page.run(TEXT, "at") == "0.70 (as recorded)"
        page.keys("#threshold", ARROW_RIGHT, ARROW_RIGHT)
        assert page.run(TEXT, "at") == "0.72"
        assert page.run(TEXT, "said") == (
            "1 of 3 hops followed as before, 2 cut, 0 added. Exact: a new run would come to the same."
        )
        page.keys("#threshold", HOME)
        assert page.run(TEXT, "at") == "0.50"


def test_the_hops_that_were_not_followed_can_be_hidden_but_for_those_that_are_added(
    driver: Any, tmp_path: Path
) -> None:
    shown = "return [...document.querySelectorAll('tbody tr[data-hop]')].filter((r) => r.offsetHeight).length"
    exploration = of_the_demo()
    with framed(driver, path_page(exploration), tmp_path) as page:
        assert page.run(shown) == len(exploration.hops)
        page.keys("#all", SPACE)
        assert page.run(shown) == 3
        page.run(MOVE, "0.50")
        answer = what_if(exploration, RetrievalParams(similarity_threshold=0.5))
        assert page.run(shown) == 3 + len(answer.added)


def test_what_the_browser_drew_overlaps_nowhere_and_every_name_is_inside_its_frame(page: Frame) -> None:
    page.run(MOVE, "0.80")
    drawn = page.run(DRAWN)
    drawn.sort(key=lambda box: box["top"])
    for number, box in enumerate(drawn):
        for other in drawn[number + 1 :]:
            if other["top"] >= box["bottom"]:
                break
            apart = box["right"] <= other["left"] or other["right"] <= box["left"]
            # lines of one text touch each other, no more
            assert apart or min(box["bottom"], other["bottom"]) - other["top"] < 4, (box, other)
    frames = page.run(FRAMES)
    for name in (box for box in drawn if box["name"]):
        assert any(
            frame["left"] <= name["left"]
            and name["right"] <= frame["right"]
            and frame["top"] <= name["top"] + 1
            and name["bottom"] <= frame["bottom"] + 1
            for frame in frames
        ), name


@pytest.mark.parametrize("width", [320, 360, 900])
def test_only_the_picture_and_the_tables_scroll_sideways(
    driver: Any, exploration: Exploration, tmp_path: Path, width: int
) -> None:
    with framed(driver, path_page(exploration), tmp_path, width=width, height=800) as page:
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_on_a_dark_screen_text_stands_out_from_its_ground(driver: Any, tmp_path: Path) -> None:
    contrasts = {}
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        with framed(driver, path_page(of_the_demo()), tmp_path) as page:
            contrasts[scheme] = page.run(CONTRASTS)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert contrasts["light"].keys() == contrasts["dark"].keys()
    assert contrasts["light"] != contrasts["dark"]
    # 4.5 is what WCAG 2.2 asks of text (1.4.3, level AA)
    assert min(*contrasts["light"].values(), *contrasts["dark"].values()) >= 4.5, contrasts


# the contrast of each kind of text with what it stands on, by WCAG's formula
CONTRASTS = """
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const found = {body: contrast(getComputedStyle(document.body).color,
                              getComputedStyle(document.body).backgroundColor)};
const back = getComputedStyle(document.querySelector(".eg-back")).fill;
for (const text of document.querySelectorAll("svg.eg text")) {
  const group = text.closest("g");
  const frame = text.classList.contains("eg-name") && group.querySelector("rect");
  const sign = text.classList.contains("eg-bang") && group.querySelector(".eg-warning");
  const ground = sign || frame ? getComputedStyle(sign || frame).fill : back;
  const kind = group.className.baseVal + "/" + text.className.baseVal;
  found[kind] = Math.min(found[kind] ?? 99, contrast(getComputedStyle(text).fill, ground));
}
return found;
"""


def test_the_svg_alone_is_a_picture_that_a_browser_can_show(
    driver: Any, exploration: Exploration, tmp_path: Path
) -> None:
    svg = tmp_path / "graph_exploration_path.svg"
    svg.write_text(draw_svg(exploration), encoding="utf-8")
    driver.get(svg.as_uri())
    root = driver.execute_script(
        "const root = document.documentElement; return [root.localName, root.getBBox().width, "
        "root.viewBox.baseVal.width, root.getBBox().height, root.viewBox.baseVal.height]"
    )
    assert root[0] == "svg"
    assert root[1] <= root[2]
    assert root[3] <= root[4]


def test_hops_from_outside_run_no_script(driver: Any, tmp_path: Path) -> None:
    hop = Hop(
        node="<img src=x onerror='document.title=1'>",
        relation="</text><script>document.title=1</script>",
        next_node='"><script>document.title=1</script>',
        similarity_score=0.9,
    )
    with framed(driver, path_page(told(hop, query="</title><script>1</script>")), tmp_path) as page:
        assert page.run("return document.title") == "</title><script>1</script>"
        assert page.run("return document.scripts.length") == 2
        assert page.complaints() == []
