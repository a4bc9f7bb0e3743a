"""How a report reads on 80 columns, plain and in colour."""

from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from examsgraph_callbacks.analytics import report
from examsgraph_callbacks.console import Screen
from examsgraph_callbacks.events import Fact, Hop, RetrievalParams, Seed
from examsgraph_callbacks.measure import Meter
from tests.analytics.facts import answered, document_path, explored, feedback, greeted, resource, silent
from tests.measure.facts import embedding_call


def shown(*facts: Fact, terminal: bool = False, krw_per_usd: float = 1300.0) -> str:
    output = StringIO()
    console = Console(file=output, width=80, force_terminal=terminal, highlight=False)
    Screen(console, console).show(report(facts, Meter()), krw_per_usd)
    return output.getvalue()


def row(text: str, begins: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.strip().startswith(begins))


def test_the_strange_path_is_drawn_as_in_the_document() -> None:
    text = shown(explored(*document_path()))

    assert (
        "  정규화 → 제1정규형 (0.92)\n"
        "          → 이상현상 (0.85)\n"
        "          → SQL 문법 (0.45) ⚠️ strange path found!\n"
        "  SQL 문법 leaves the question (question 0.45, threshold 0.70)\n"
    ) in text


def test_how_often_hops_are_strange_stands_by_relation_and_by_concept() -> None:
    first, second, stray = document_path()
    text = shown(explored(first, second, stray), explored(first, second, stray), explored(first, second))

    assert "2.7 hops followed on average" in text
    assert "2 of 8 hops strange (25%)" in text
    assert row(text, "관련") == ["관련", "2", "2", "100%"]
    assert row(text[text.index("and by the concept") :], "SQL 문법") == ["SQL", "문법", "2", "2", "100%"]


def test_hubs_and_dead_ends_stand_with_their_counts() -> None:
    first, second, _ = document_path()
    known = RetrievalParams(depth=3, similarity_threshold=0.7, max_hops=5, beam_width=1, fan_out=5)
    seeds = (Seed(node="정규화", similarity_score=0.9),)
    away = Hop(node="이상현상", relation="관련", next_node="뷰", similarity_score=0.5, depth=3,
               verdict="below_threshold")  # fmt: skip
    walked = explored(first, second, away).model_copy(update={"retrieval_params": known, "seeds": seeds})
    text = shown(walked, walked, explored(first, question_id="q_002"))

    assert row(text[text.index("concepts reached from many questions") :], "제1정규형") == [
        "제1정규형",
        "2",
        "3",
    ]
    assert "of 2 questions" in text
    ends = row(text[text.index("dead ends") :], "이상현상")
    assert " ".join(ends) == "이상현상 all relations lead back or away 2"


def test_understanding_before_and_after_a_resource_says_when_it_rests_on_little() -> None:
    def scored(score: int, times: int) -> list[Fact]:
        return [feedback("thumbs_up", understanding_score=score, concept="정규화")] * times

    text = shown(*scored(2, 12), resource("정규화"), *scored(4, 12))
    table = text[text.index("Understanding before and after a resource") :]
    assert " ".join(row(table, "정규화")) == "정규화 1 video 2.0 (n 12) 4.0 (n 12) +2.0"
    assert "too few" not in text

    text = shown(*scored(2, 12), resource("정규화"), *scored(4, 3))
    assert row(text[text.index("Understanding before") :], "정규화")[-1] == "~+2.0"
    assert "~ fewer than 10 scores on a side: too few to tell." in text

    text = shown(*scored(2, 12), resource("정규화"))
    table = text[text.index("Understanding before") :]
    assert " ".join(row(table, "정규화")) == "정규화 1 video 2.0 (n 12) –"


def test_tokens_and_cost_stand_in_dollars_and_won() -> None:
    text = shown(answered(cached_tokens=1000), greeted())

    costs = text[text.index("Tokens and cost") :]
    assert row(costs, "gpt-4o-2024-08-06")[1:] == ["1,500", "1,000", "800", "$0.010500", "₩14"]
    assert row(costs, "gpt-4o-mini-2024-07-18")[1:] == ["15", "–", "30", "$0.000020", "<₩1"]
    assert row(costs, "total")[1:] == ["1,515", "1,000", "830", "$0.010520", "₩14"]


def test_embeddings_have_a_row_of_their_own_and_are_part_of_the_total() -> None:
    text = shown(answered(), embedding_call(input_tokens=1_000_000), embedding_call(input_tokens=None))

    assert text.startswith("1 LLM call, 2 embedding calls\n")
    times, costs = text[: text.index("Tokens and cost")], text[text.index("Tokens and cost") :]
    assert row(times, "text-embedding-3-small")[1:] == ["2", "–", "0", "20", "ms", "20", "ms", "–"]
    assert row(times, "total")[1:4] == ["3", "0", "0"]
    # 0.02 USD a million, and one call of which nothing is known
    assert row(costs, "text-embedding-3-small")[1:] == [
        *("1,000,000", "–", "–"),
        *("≥", "$0.020000", "≥", "₩26"),
    ]
    assert row(costs, "total")[1:] == ["1,001,500", "–", "800", "≥", "$0.031750", "≥", "₩41"]
    assert "1 call unpriced: the provider reported no usage" in text


def test_a_report_of_embeddings_alone_shows_them() -> None:
    text = shown(embedding_call())

    assert row(text[text.index("Tokens and cost") :], "total")[1:] == ["1,500", "–", "–", "$0.000030", "<₩1"]


def test_won_follow_the_rate_that_is_set() -> None:
    costs = shown(answered(), krw_per_usd=1450.5)

    # 0.01175 x 1450.5 = 17.04
    assert "₩17" in row(costs[costs.index("Tokens and cost") :], "total")
    assert "₩1,450.5 a dollar" in costs


def test_a_small_cost_is_never_shown_as_nothing() -> None:
    much = answered(input_tokens=40_000_000, output_tokens=0)
    costs = shown(much, greeted())

    assert "<$0.01" in costs


def test_latency_and_first_token_are_readable() -> None:
    text = shown(answered(time_to_first_token_ms=380.4))

    assert row(text, "gpt-4o-2024-08-06")[1:] == ["1", "0", "0", "3.2", "s", "3.2", "s", "380", "ms"]


def test_what_has_no_price_is_shown_as_unpriced_and_never_as_nothing() -> None:
    own = answered(served_model="tutor-ko-7b", requested_model="tutor-ko-7b", user_id="user_009")
    text = shown(own, answered())

    costs = text[text.index("Tokens and cost") :]
    assert row(costs, "tutor-ko-7b")[-2:] == ["unpriced", "unpriced"]
    assert row(costs, "total")[-4:] == ["≥", "$0.011750", "≥", "₩15"]
    assert row(text[text.index("Cost by user") :], "user_009")[-2:] == ["unpriced", "unpriced"]
    assert "1 call unpriced: " in text


def test_estimated_tokens_are_marked() -> None:
    text = shown(silent(), answered())

    assert row(text[text.index("Tokens and cost") :], "total")[1:4] == ["~1,508", "–", "~801"]
    assert "1 call (50%) came without usage" in text


def test_misroutes_name_the_learner_and_the_model() -> None:
    text = shown(greeted(served_model="gpt-4o-2024-08-06", user_id="user_003"), greeted())

    assert "⚠ 1 misrouted call\n" in text
    misroutes = text[text.index("1 misrouted call") :]
    assert row(misroutes, "simple_greeting")[:3] == ["simple_greeting", "gpt-4o-2024-08-06", "user_003"]


def test_errors_say_which_model_failed_and_how() -> None:
    refused = answered(
        status="error",
        served_model=None,
        error_type="RateLimitError",
        error_message="한도를 넘었습니다. " * 20,
    )
    text = shown(refused, refused)

    errors = row(text[text.index("Errors") :], "gpt-4o")
    assert errors[:3] == ["gpt-4o", "RateLimitError", "한도를"]
    assert errors[-1] == "2"


def test_the_top_five_failed_concepts_stand_with_their_counts() -> None:
    failures = {"정규화": 6, "이상현상": 5, "함수 종속성": 4, "BCNF": 3, "조인": 2, "뷰": 1}
    text = shown(*(feedback(concept=concept) for concept, count in failures.items() for _ in range(count)))

    assert row(text, "정규화")[1] == "6"
    assert row(text, "조인")[1] == "2"
    assert "뷰" not in text


def test_korean_keeps_the_columns_straight() -> None:
    text = shown(*(feedback(concept=concept) for concept in ("데이터베이스 정규화", "조인", "BCNF")))

    lines = [line for line in text.splitlines() if "█" in line]
    assert len(lines) == 3
    assert len({cell_len(line[: line.index("█")]) for line in lines}) == 1


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_is_wider_than_eighty_columns(terminal: bool) -> None:
    text = shown(
        answered(time_to_first_token_ms=380.0, input_tokens=12_345_678, cached_tokens=1_234_567),
        greeted(served_model="gpt-4o-2024-08-06", user_id="user_with_a_rather_long_name"),
        answered(status="error", error_type="RateLimitError", error_message="한도를 넘었습니다. " * 30),
        answered(served_model="a-model-with-a-very-long-name-for-one-" * 3),
        explored(*document_path()),
        explored(*document_path(), question_id="q_002"),
        resource("아주 긴 이름을 가진 데이터베이스 개념 " * 5),
        feedback(concept="아주 긴 이름을 가진 데이터베이스 개념 " * 5),
    )

    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_a_pipe_gets_no_colours() -> None:
    facts = (greeted(served_model="gpt-4o"), explored(*document_path()), feedback(concept="정규화"))

    assert "\x1b" not in shown(*facts)
    assert "\x1b[" in shown(*facts, terminal=True)


def test_text_from_outside_is_neither_markup_nor_commands_to_the_terminal() -> None:
    text = shown(
        answered(task_type="[bold]x[/]", user_id="[/nonsense]"),
        answered(status="error", error_type="Bad[red]", error_message="\x1b[2J\r\n[/]"),
        explored(*document_path()).model_copy(update={"query": "\x1b]0;title\x07[/b]"}),
        feedback(concept="[link=x]정규화"),
    )

    assert "\x1b" not in text
    assert "[bold]x[/]" in text
    assert "[/nonsense]" in text
    assert "[link=x]정규화" in text


def test_a_report_of_feedback_alone_shows_feedback_alone() -> None:
    text = shown(feedback(understanding_score=2, concept="정규화"))

    assert "average understanding 2.0 of 5" in text
    assert "Calls by" not in text
    assert "Paths through" not in text


def test_a_stated_cost_that_is_off_the_list_price_is_told_with_both() -> None:
    text = shown(
        greeted(stated_cost_usd="0.0001"), answered(stated_cost_usd="0.05"), answered(stated_cost_usd="0.012")
    )

    assert "1 call of gpt-4o-2024-08-06: stated cost $0.050000, by list $0.011750;" in text
    assert "1 call of gpt-4o-mini-2024-07-18: stated cost $0.000100, by list $0.000020;" in text
