"""One exploration in a terminal: in 80 columns, and whatever its concepts are called."""

from io import StringIO

from rich.cells import cell_len
from rich.console import Console

from examsgraph_callbacks.console.paths import render_exploration
from examsgraph_callbacks.console.what_if import render_what_if
from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams
from examsgraph_callbacks.graph import what_if
from tests.analytics.facts import document_path, explored

ASIDE = Hop(node="정규화", relation="선수", next_node="함수 종속", similarity_score=0.6, edge_similarity=0.7,
            direction="in", verdict="below_threshold")  # fmt: skip


def shown(exploration: Exploration, *, show_rejected: bool = True) -> str:
    output = StringIO()
    console = Console(file=output, width=80, highlight=False)
    console.print(render_exploration(exploration, show_rejected=show_rejected))
    return output.getvalue()


def test_a_rejected_hop_stands_with_its_direction_scores_and_verdict() -> None:
    text = shown(explored(*document_path(), ASIDE))
    (line,) = [line for line in text.splitlines() if "함수 종속" in line]
    assert line.split() == ["정규화", "←", "선수", "함수", "종속", "1", "0.60", "0.70", "below", "threshold"]


def test_what_is_not_known_is_said_and_not_made_up() -> None:
    unknown = document_path()[0].model_copy(update={"similarity_score": None})
    text = shown(explored(unknown, threshold=None, source="tap", uncaptured=("a query of its own",)))
    assert "정규화 → 제1정규형 (?)" in text
    assert "1 hop followed, 1 deep; no threshold to judge them by" in text
    assert "told by the tap" in text
    assert "not captured: a query of its own" in text


def test_an_exploration_that_failed_says_how_far_it_came_and_why() -> None:
    failed = explored(
        document_path()[0],
        status="error",
        error_type="GraphUnavailableError",
        error_message="start the server",
    )
    text = shown(failed)
    assert "정규화 → 제1정규형 (0.92)" in text
    assert "it failed with GraphUnavailableError: start the server" in text


def test_an_exploration_that_followed_nothing_says_so() -> None:
    assert "no hop was followed" in shown(explored(ASIDE))


def test_tables_keep_to_eighty_columns_and_names_are_neither_markup_nor_commands() -> None:
    long = ASIDE.model_copy(
        update={"next_node": "아주 긴 이름을 가진 개념 " * 9, "relation": "[red]\x1b[2J관계"}
    )
    text = shown(explored(*document_path(), long, query="[/b]\x1b]0;title\x07"))
    assert "\x1b" not in text
    table = text[text.index("from") :]
    assert max(cell_len(line) for line in table.splitlines()) <= 80
    assert "[red]" in table.replace("\n", "").replace(" ", "")


def test_what_if_without_a_change_says_so() -> None:
    exploration = explored(*document_path(), source="caller")
    output = StringIO()
    answer = what_if(exploration, RetrievalParams(similarity_threshold=0.7))
    Console(file=output, width=80).print(render_what_if(answer))
    assert "the bounds as they were recorded" in output.getvalue()
    assert "none cut" in output.getvalue()
