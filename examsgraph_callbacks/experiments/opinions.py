"""What a judge is asked and says: two answers in two places, an opinion, and what two opinions come to."""

from dataclasses import dataclass
from typing import Literal, Protocol

from examsgraph_callbacks.events import PromptComparison
from examsgraph_callbacks.journal import Journal

__all__ = ["CRITERION", "AskJudge", "Judge", "Judgement", "Opinion", "Pair", "Placed", "Winner", "agreed"]

CRITERION = """당신은 시험 과외의 품질을 평가하는 공정한 심사위원입니다.
학생이 문제를 틀렸고, 두 튜터가 설명했습니다. 어느 설명이 학생의 이해를 더 잘 돕는지 판단하세요.
설명의 길이나 순서에 영향을 받지 마세요. 이유를 한두 문장으로 밝히세요."""
"""What every judge is asked, in whatever form its answer comes."""

Winner = Literal["A", "B", "TIE"]

_SCORES: dict[Winner, float] = {"A": 1.0, "B": 0.0, "TIE": 0.5}


@dataclass(frozen=True, slots=True)
class Placed:
    """What a judge is shown: two answers to a question, each in a place; `tags` go with what is recorded."""

    question_id: str | None
    user_answer: str | None
    correct_answer: str | None
    a: str
    b: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge says; `winner` is None where it did not answer as asked."""

    winner: Winner | None
    rationale: str | None = None


class AskJudge(Protocol):
    """Asks a judge, and records the call in the journal; raises whatever goes wrong."""

    def __call__(self, placed: Placed, journal: Journal, /) -> Opinion: ...


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge, and the model's name by which its judgements are known."""

    name: str
    ask: AskJudge


@dataclass(frozen=True, slots=True)
class Pair:
    """A variant's answer, to be held against that of the control, the first of the comparison."""

    comparison: PromptComparison
    variant: str

    @property
    def control(self) -> str:
        """The name of the first variant."""
        return next(iter(self.comparison.generated_responses))

    @property
    def key(self) -> tuple[str, str]:
        """Tells the pair from all others."""
        return self.comparison.event_id, self.variant

    def placed(self, *, control_first: bool, tags: tuple[str, ...]) -> Placed:
        """The pair as it is shown."""
        names = (self.control, self.variant) if control_first else (self.variant, self.control)
        a, b = (self.comparison.generated_responses[name] for name in names)
        said = self.comparison
        return Placed(said.question_id, said.user_answer, said.correct_answer, a, b, tags)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a pair: the variant's `score` is 1 where it won in both places, 0 where it lost in both.

    All else is a tie, 0.5; `position_consistent` says whether both places gave the same. Where there is no
    score, `problem` says why.
    """

    score: float | None
    position_consistent: bool | None = None
    rationale: str | None = None
    problem: str | None = None


def agreed(pair: Pair, ahead: Opinion, behind: Opinion) -> Judgement:
    """What two opinions come to, the variant in the first place of the one and the second of the other."""
    said = "\n".join(
        f"A {first}, B {second}: {opinion.winner or '?'}. {opinion.rationale or ''}".rstrip()
        for first, second, opinion in (
            (pair.variant, pair.control, ahead),
            (pair.control, pair.variant, behind),
        )
    )
    if ahead.winner is None or behind.winner is None:
        return Judgement(None, rationale=said, problem="the judge did not answer as asked")
    first, second = _SCORES[ahead.winner], 1.0 - _SCORES[behind.winner]
    return Judgement(first if first == second else 0.5, first == second, said)
