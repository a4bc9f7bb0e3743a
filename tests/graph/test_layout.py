"""Where everything stands in a picture: whole, over nothing else, and as high as it has hops."""

import unicodedata
from collections.abc import Callable, Iterator
from itertools import combinations

import pytest

from examsgraph_callbacks.events import Exploration, Hop, Seed
from examsgraph_callbacks.graph.pictures.layout import Layout, Line, Text, lay_out
from examsgraph_callbacks.graph.pictures.text import shown, text_width, wrapped
from examsgraph_callbacks.graph.pictures.tree import REJECTED_SHOWN, path_tree, strange_hops
from tests.graph.explorations import DOCUMENTS_PATH, of_metacademy, of_the_demo, told

FIRST, SECOND, STRAY = DOCUMENTS_PATH


def chain(length: int) -> tuple[Hop, ...]:
    return tuple(
        Hop(node=f"개념 {n}", relation="포함", next_node=f"개념 {n + 1}", similarity_score=0.9, depth=n + 1)
        for n in range(length)
    )


EXPLORATIONS: dict[str, Callable[[], Exploration]] = {
    "the document's path": lambda: told(*DOCUMENTS_PATH),
    "a question": of_the_demo,
    "many branches": lambda: of_the_demo(beam_width=3, max_hops=12, similarity_threshold=0.6),
    "two beginnings": lambda: of_the_demo(4, beam_width=4, seeds=2, similarity_threshold=0.5, max_hops=30),
    "60 hops": of_metacademy,
    "60 hops in a row": lambda: told(*chain(60)),
    "120 hops in a row": lambda: told(*chain(120)),
    "a circle": lambda: told(
        FIRST, FIRST.model_copy(update={"node": "제1정규형", "next_node": "정규화"}), FIRST
    ),
    "hops that come before those that lead to them": lambda: told(STRAY, SECOND, FIRST),
    "long names": lambda: told(
        FIRST.model_copy(
            update={"next_node": "데이터베이스 정규화의 목적과 방법 " * 20, "relation": "관계" * 60}
        ),
        SECOND,
    ),
    "letters of Korean": lambda: told(
        FIRST.model_copy(update={"next_node": unicodedata.normalize("NFD", "데이터베이스 정규화")})
    ),
    "no score": lambda: told(FIRST.model_copy(update={"similarity_score": None})),
    "a beginning alone": lambda: told(seeds=(Seed(node="정규화", similarity_score=0.8),)),
    "nothing": told,
}


@pytest.fixture(params=EXPLORATIONS)
def exploration(request: pytest.FixtureRequest) -> Exploration:
    return EXPLORATIONS[request.param]()


def laid_out(exploration: Exploration, *, has_signs: bool = False) -> Layout:
    return lay_out(exploration, strange_hops(exploration), has_signs=has_signs)


def overlapping(layout: Layout) -> Iterator[tuple[Text, Text]]:
    """Pairs of texts (frames and all) that share a spot; only neighbours from top to bottom can."""
    texts = sorted(layout.texts, key=lambda text: text.box.top)
    for number, text in enumerate(texts):
        for other in texts[number + 1 :]:
            if other.box.top >= text.box.bottom:
                break
            if text.box.overlaps(other.box):
                yield text, other


def crosses(line: Line, text: Text) -> bool:
    box = text.box
    down = box.left < line.left < box.right and box.top < line.bottom and line.top < box.bottom
    across = line.right is not None and (
        box.top < line.bottom < box.bottom and box.left < line.right and line.left < box.right
    )
    return down or across


@pytest.mark.parametrize("has_signs", [False, True])
def test_no_text_stands_over_another_and_all_stand_in_the_picture(
    exploration: Exploration, has_signs: bool
) -> None:
    layout = laid_out(exploration, has_signs=has_signs)
    assert list(overlapping(layout)) == []
    for text in layout.texts:
        assert text.box.left >= 0
        assert text.box.top >= 0
        assert text.box.right <= layout.width
        assert text.box.bottom <= layout.height


def test_no_line_runs_through_a_text(exploration: Exploration) -> None:
    layout = laid_out(exploration)
    assert [(line, text) for line in layout.lines for text in layout.texts if crosses(line, text)] == []


def test_every_name_is_whole_and_has_room(exploration: Exploration) -> None:
    layout = laid_out(exploration)
    names = {text.hop: text for text in layout.texts if text.role in {"followed", "strange", "rejected"}}
    for index, text in names.items():
        assert text.hop is not None
        hop = exploration.hops[text.hop]
        assert "".join(text.lines).replace(" ", "") == shown(hop.next_node).replace(" ", ""), index
        for line in text.lines:
            assert text_width(line, text.size) + 2 * text.padding <= text.box.width + 0.01
    assert {index for index, hop in enumerate(exploration.hops) if hop.verdict == "followed"} <= set(names)


def test_it_grows_in_height_and_hardly_in_width() -> None:
    short, long, wide = laid_out(told(*chain(6))), laid_out(told(*chain(60))), laid_out(of_metacademy())
    assert 8 * short.height < long.height < 10 * short.height
    assert long.width < short.width + 30
    assert wide.width < 800


def test_a_path_may_be_longer_than_python_nests_calls() -> None:
    layout = laid_out(told(*chain(1500)))
    assert len({text.hop for text in layout.texts if text.role == "followed"}) == 1500
    assert list(overlapping(layout)) == []


def test_the_longest_way_goes_straight_on_and_side_ways_turn_off() -> None:
    aside = FIRST.model_copy(update={"next_node": "데이터 모델링"})
    arrivals = path_tree(told(aside, *DOCUMENTS_PATH))
    assert [(arrival.node, arrival.level, arrival.branch) for arrival in arrivals] == [
        ("정규화", 0, 0),
        ("데이터 모델링", 1, 1),
        ("제1정규형", 1, 0),
        ("이상현상", 2, 0),
        ("SQL 문법", 3, 0),
    ]


def test_of_what_was_not_followed_the_best_are_shown_and_the_others_counted() -> None:
    exploration = of_the_demo()
    start = path_tree(exploration)[0]
    aside = [hop for hop in exploration.hops if hop.node == "정규화" and hop.verdict != "followed"]
    shown_hops = [exploration.hops[index] for index in start.rejected.hops]
    assert shown_hops == aside[:REJECTED_SHOWN]
    assert sum(count for _, count in start.rejected.more) == len(aside) - REJECTED_SHOWN
    assert start.rejected.more == (("below_threshold", 5),)
    texts = [line for text in laid_out(exploration).texts for line in text.lines]
    assert "and 5 more: 5 below threshold" in texts


def test_a_way_back_gives_place_to_what_was_new() -> None:
    hops = of_the_demo().hops
    aside = path_tree(of_the_demo())[2].rejected.hops
    assert [hops[index].verdict for index in aside][-1] == "cycle"
    assert hops[aside[0]].verdict == "below_threshold"


def test_a_hop_that_must_be_shown_is() -> None:
    exploration = of_the_demo()
    last = max(index for index, hop in enumerate(exploration.hops) if hop.node == "정규화")
    assert last not in path_tree(exploration)[0].rejected.hops
    start = path_tree(exploration, always_shown={last})[0]
    assert last in start.rejected.hops
    assert start.rejected.more == (("below_threshold", 4),)


def test_lines_are_parted_at_spaces_and_within_a_word_where_they_must_be() -> None:
    assert wrapped("함수 종속", 10, 1000) == ("함수 종속",)
    assert wrapped("함수 종속성", 10, 35) == ("함수", "종속성")
    assert wrapped("함수종속성", 10, 35) == ("함수종", "속성")
    assert wrapped("", 10, 35) == ("",)


def test_korean_counts_double_however_it_is_encoded() -> None:
    letters = unicodedata.normalize("NFD", "정규화")
    assert text_width("정규화", 10) == text_width(letters, 10) > 1.5 * text_width("abc", 10)
    assert text_width("정규화", 20) == 2 * text_width("정규화", 10)


def test_what_xml_cannot_hold_is_not_shown() -> None:
    assert shown("정규화\x00\x1b[2J\ud800\n끝 ") == "정규화��[2J� 끝"


def test_boxes_that_share_an_edge_do_not_overlap() -> None:
    layout = laid_out(told(*DOCUMENTS_PATH))
    first, second = layout.texts[0].box, layout.texts[1].box
    assert not any(one.box.overlaps(other.box) for one, other in combinations(layout.texts, 2))
    assert first.overlaps(first)
    assert first.bottom != second.bottom or first.right <= second.left or second.right <= first.left
