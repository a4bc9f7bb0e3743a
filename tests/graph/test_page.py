"""The SVG and the page as files: whole, safe to embed, and saying what the thresholds really come to."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest

from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams, Seed
from examsgraph_callbacks.graph import what_if
from examsgraph_callbacks.graph.pictures import draw_svg, path_page
from tests.graph.explorations import DOCUMENTS_PATH, of_metacademy, of_the_demo, told

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</script><script>alert("1")</script>&amp;\u2028${x}$title\x00'


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def worked_out(page: str) -> dict[str, Any]:
    """What is embedded in the page for its slider."""
    (data,) = re.findall(r'<script type="application/json" id="results">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(data)
    return found


def at(page: str, threshold: str) -> dict[str, Any]:
    worked = worked_out(page)
    (number,) = (number for shown, number in worked["at"] if shown.split(" ")[0] == threshold)
    result: dict[str, Any] = worked["results"][number]
    return result


def test_the_svg_shows_concepts_relations_scores_and_the_strange_hop() -> None:
    exploration = of_the_demo()
    svg = draw_svg(exploration)
    for text in ("정규화", "제1정규형", "이상현상", "SQL 문법", "포함 →", "0.80 (edge 0.84)", "level 3"):
        assert text in texts(svg)
    assert "정규화의 목적으로 가장 알맞은 것은?" in texts(svg)
    root = ET.fromstring(svg)
    (strange,) = (group for group in root.iter(f"{SVG}g") if "eg-strange" in group.get("class", "").split()
                  and group.get("data-hop"))  # fmt: skip
    index = int(strange.get("data-hop", ""))
    assert exploration.hops[index].next_node == "SQL 문법"
    # a sign and words, so that colour is not all
    assert strange.find(f"{SVG}path[@class='eg-warning']") is not None
    assert "drifts from 이상현상 (threshold 0.70)" in [text.text for text in strange.iter(f"{SVG}text")]


def test_what_was_not_followed_is_greyed_with_its_verdict() -> None:
    root = ET.fromstring(draw_svg(of_the_demo()))
    rejected = [group for group in root.iter(f"{SVG}g") if "eg-rejected" in group.get("class", "").split()]
    told_of = {" ".join(text.text or "" for text in group.iter(f"{SVG}text")) for group in rejected}
    assert "데이터 모델링 0.72 beam (← 포함)" in told_of
    assert "제2정규형 0.69 below threshold (포함 →)" in told_of
    assert all("eg-quiet" in group.get("class", "") for group in rejected if group.get("data-hop"))


def test_the_svg_needs_nothing_from_outside_and_brings_its_own_background() -> None:
    svg = draw_svg(of_the_demo())
    assert re.findall(r"https?://[^\"' ]+", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<script|<image|@import|url\(|href|<foreignObject", svg)
    assert "prefers-color-scheme:dark" in svg
    background = ET.fromstring(svg).find(f"{SVG}rect")
    assert background is not None
    assert (background.get("class"), background.get("width"), background.get("height")) == (
        "eg-back",
        "100%",
        "100%",
    )


def test_a_picture_without_a_path_says_so() -> None:
    assert "No hop was followed." in texts(draw_svg(of_the_demo(similarity_threshold=0.9)))
    assert "No hop was followed." in texts(draw_svg(told()))
    assert "No hop was followed." not in texts(draw_svg(of_the_demo()))


def test_the_same_exploration_is_drawn_the_same() -> None:
    assert draw_svg(of_the_demo()) == draw_svg(of_the_demo())
    assert path_page(of_the_demo()) == path_page(of_the_demo())


def hostile() -> Exploration:
    first = Hop(node=HOSTILE, relation=HOSTILE, next_node="<b>정규화</b>", similarity_score=0.9)
    second = Hop(node="<b>정규화</b>", relation="r", next_node=HOSTILE, similarity_score=0.4, depth=2)
    return told(
        first,
        second,
        query=HOSTILE,
        wrong_concept=HOSTILE,
        question_id=HOSTILE,
        backend=HOSTILE,
        final_explanation=HOSTILE,
        error_type=HOSTILE,
        seeds=(Seed(node=HOSTILE, similarity_score=0.8),),
    )


def test_text_from_outside_is_text_in_the_picture_and_in_the_page() -> None:
    ET.fromstring(draw_svg(hostile()))
    page = path_page(hostile())
    assert "<b>" not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert "alert(&quot;1&quot;)" in page
    assert "$title" in page, "what looks like a place in the template is text too"
    assert worked_out(page)["results"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.unclosed: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """It is closed in itself."""

    def handle_endtag(self, tag: str) -> None:
        while self.open and (last := self.open.pop()) != tag:
            self.unclosed.append(last)


@pytest.mark.parametrize("exploration", [of_the_demo(), hostile(), told()])
def test_every_tag_of_the_page_is_closed(exploration: Exploration) -> None:
    tags = _Tags()
    tags.feed(path_page(exploration))
    assert tags.open + tags.unclosed == []


def test_the_page_loads_and_stores_nothing_and_forbids_itself_to() -> None:
    page = path_page(of_the_demo())
    assert re.findall(r"https?://[^\"' ]+", page) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"localStorage|sessionStorage|indexedDB|cookie|fetch\(|XMLHttp|import|url\(", page)
    assert "default-src 'none'" in page
    assert "정규화의 목적" in page, "Korean is not escaped"


def test_every_threshold_from_50_to_95_is_what_a_replay_comes_to() -> None:
    exploration = of_the_demo(beam_width=3, max_hops=12, similarity_threshold=0.6)
    page = path_page(exploration)
    worked = worked_out(page)
    assert [shown.split(" ")[0] for shown, _ in worked["at"]] == [f"0.{n}" for n in range(50, 96)]
    for shown, number in worked["at"]:
        threshold = float(shown.split(" ")[0])
        answer = what_if(exploration, RetrievalParams(similarity_threshold=threshold))
        result = worked["results"][number]
        states = {int(index): state for index, (state, _) in result["states"].items()}
        followed = {exploration.hops[i].next_node for i, s in states.items() if s in {"stays", "added"}}
        assert result["exact"] is answer.is_exact
        assert followed == {hop.next_node for hop in answer.path}
        assert {exploration.hops[i].next_node for i, s in states.items() if s == "cut"} == {
            hop.next_node for hop in answer.cut
        }
        assert ("open" in states.values()) <= (not answer.is_exact)
        assert ("Not exact" in result["said"]) is (not answer.is_exact)


def test_each_different_result_is_embedded_once() -> None:
    worked = worked_out(path_page(of_metacademy()))
    results = [json.dumps(result) for result in worked["results"]]
    assert len(set(results)) == len(results) < len(worked["at"])
    assert {number for _, number in worked["at"]} == set(range(len(results)))


def test_a_hop_that_some_threshold_would_add_is_in_the_picture() -> None:
    page = path_page(of_metacademy())
    added = {
        index
        for result in worked_out(page)["results"]
        for index, (state, _) in result["states"].items()
        if state == "added"
    }
    assert added
    for index in added:
        assert f'<g class="eg-hop eg-rejected eg-quiet" data-hop="{index}">' in page


def test_where_an_answer_is_not_exact_the_page_says_so() -> None:
    said = at(path_page(told(*DOCUMENTS_PATH)), "0.80")["said"]
    assert said == (
        "Not exact: only the followed hops were recorded, and others might take the place of those that are "
        "cut: explore anew. Of 3 hops 2 would remain."
    )
    page = path_page(told(*DOCUMENTS_PATH))
    assert "told by the caller, which knows the followed hops only" in page


def test_the_recorded_threshold_is_where_the_slider_begins() -> None:
    page = path_page(of_the_demo(similarity_threshold=0.725))
    worked = worked_out(page)
    (start,) = re.findall(r'id="threshold" min="0" max="46" step="1" value="(\d+)"', page)
    shown, number = worked["at"][int(start)]
    assert shown == "0.725 (as recorded)"
    assert worked["results"][number]["said"].startswith("As recorded: ")
    assert len(worked["at"]) == 47


@pytest.mark.parametrize(("recorded", "first"), [(None, "0.50"), (0.2, "0.50"), (0.99, "0.95")])
def test_without_a_threshold_on_the_slider_it_begins_at_the_nearest(
    recorded: float | None, first: str
) -> None:
    bounds = RetrievalParams(similarity_threshold=recorded)
    page = path_page(told(*DOCUMENTS_PATH, retrieval_params=bounds))
    (start,) = re.findall(r'step="1" value="(\d+)"', page)
    assert worked_out(page)["at"][int(start)][0] == first


def test_a_path_that_takes_a_relation_twice_keeps_both() -> None:
    first, second, _ = DOCUMENTS_PATH
    back = second.model_copy(update={"node": "제1정규형", "next_node": "정규화"})
    states = at(path_page(told(first, back, first)), "0.75")["states"]
    assert [state for state, _ in states.values()] == ["stays", "stays", "stays"]


def test_the_table_has_every_hop_and_the_explanation_follows() -> None:
    exploration = of_the_demo().model_copy(update={"final_explanation": "정규화는 <중복>을\n제거합니다."})
    page = path_page(exploration)
    assert len(re.findall(r'<tr class="\w+" data-hop="\d+">', page)) == len(exploration.hops)
    assert "정규화는 &lt;중복&gt;을\n제거합니다." in page
    assert "What the learner was told" not in path_page(of_the_demo())


def test_the_slider_can_be_used_without_a_mouse_and_without_eyes() -> None:
    page = path_page(of_the_demo())
    assert '<label for="threshold">' in page
    assert 'type="range"' in page
    assert 'role="status"' in page
    assert "aria-valuetext" in page
    assert page.count('scope="col"') == 11
    assert '<html lang="en">' in page
