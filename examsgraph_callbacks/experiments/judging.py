"""A model judges pairs of answers, each twice with the places swapped.

A judge that prefers a place is no judge.
The plain prompt of this package's own, as in Zheng and others, NeurIPS 2023, "Judging LLM-as-a-Judge with
MT-Bench and Chatbot Arena", whose swap it is too: an answer wins where it wins in both places. What a model
prefers is not what teaches: it is no verdict, and stands beside the scores of people.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from examsgraph_callbacks.capture import Clock
from examsgraph_callbacks.events import PromptComparison, PromptScore
from examsgraph_callbacks.experiments.checks import Share, response_rate

__all__ = ["JUDGE_PROMPT", "Judged", "judge_comparisons"]

JUDGE_PROMPT = """당신은 시험 과외의 품질을 평가하는 공정한 심사위원입니다.
학생이 문제를 틀렸고, 두 튜터가 설명했습니다. 어느 설명이 학생의 이해를 더 잘 돕는지 판단하세요.
설명의 길이나 순서에 영향을 받지 마세요. 마지막 줄에 [[A]], [[B]], [[TIE]] 중 하나만 쓰세요.

학생의 답: {user_answer}
정답: {correct_answer}

[설명 A]
{first}

[설명 B]
{second}"""

_VERDICT = re.compile(r"\[\[(A|B|TIE)\]\]")


@dataclass(frozen=True, slots=True)
class Judged:
    """How a variant fared against the control: a tie is half a win.

    `contradicted` counts the pairs of which the judge preferred the same place both times (a tie, then),
    `unreadable` those where it did not answer as asked, which are not in `pairs`.
    """

    variant: str
    pairs: int
    wins: int
    losses: int
    contradicted: int
    unreadable: int
    win_rate: Share | None


def judge_comparisons(
    comparisons: Sequence[PromptComparison],
    ask: Callable[[str], str],
    keep: Callable[[PromptScore], None],
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Judged, ...]:
    """Judge each variant's answers against the first one's; `keep` is given a score (1, 0.5 or 0) for each.

    `ask` sends a prompt to the judge. Two questions a pair.
    """
    clock = Clock()
    variants = list(dict.fromkeys(name for each in comparisons for name in _others(each)))
    total = sum(len(_others(each)) for each in comparisons)
    scores: dict[str, list[float | None]] = {name: [] for name in variants}
    contradictions = dict.fromkeys(variants, 0)
    done = 0
    for comparison in comparisons:
        for variant in _others(comparison):
            first, second = _asked_twice(comparison, variant, ask)
            score = None if first is None or second is None else _score(first, second)
            contradictions[variant] += score is not None and {first, second} == {1.0, 0.0}
            scores[variant].append(score)
            if score is not None:
                keep(_fact(comparison, variant, score, clock))
            done += 1
            on_progress(done, total)
    return tuple(_judged(name, scores[name], contradictions[name]) for name in variants)


def _others(comparison: PromptComparison) -> list[str]:
    return [*comparison.generated_responses][1:]


def _asked_twice(
    comparison: PromptComparison, variant: str, ask: Callable[[str], str]
) -> tuple[float | None, float | None]:
    """The variant's score where it stands second, and where it stands first."""
    control, *_ = comparison.generated_responses
    answers = comparison.generated_responses[control], comparison.generated_responses[variant]
    behind = _read(ask(_prompt(comparison, *answers)))
    ahead = _read(ask(_prompt(comparison, *answers[::-1])))
    return None if behind is None else 1.0 - behind, ahead


def _prompt(comparison: PromptComparison, first: str, second: str) -> str:
    return JUDGE_PROMPT.format(
        user_answer=comparison.user_answer or "–",
        correct_answer=comparison.correct_answer or "–",
        first=first,
        second=second,
    )


def _read(said: str) -> float | None:
    """How the answer in the first place fared; the last verdict counts, since models think aloud."""
    found = _VERDICT.findall(said)
    return {"A": 1.0, "B": 0.0, "TIE": 0.5}[found[-1]] if found else None


def _score(first: float, second: float) -> float:
    return first if first == second else 0.5


def _judged(variant: str, scores: Iterable[float | None], contradicted: int) -> Judged:
    given = [*scores]
    known = [score for score in given if score is not None]
    wins, losses = known.count(1.0), known.count(0.0)
    return Judged(
        variant=variant,
        pairs=len(known),
        wins=wins,
        losses=losses,
        contradicted=contradicted,
        unreadable=len(given) - len(known),
        win_rate=response_rate(wins, wins + losses),
    )


def _fact(comparison: PromptComparison, variant: str, score: float, clock: Clock) -> PromptScore:
    return PromptScore(
        event_id=clock.new_id(),
        started_at=datetime.fromtimestamp(clock.wall_ns() / 1e9, UTC),
        comparison_id=comparison.event_id,
        question_id=comparison.question_id,
        prompt_variant=variant,
        score=score,
        scorer="judge",
    )
