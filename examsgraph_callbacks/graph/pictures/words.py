"""What a picture says beside the facts' own words, in each language that it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from examsgraph_callbacks.events import Verdict

__all__ = ["WORDS", "Language", "Words"]

Language: TypeAlias = Literal["en", "ko"]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language; those with braces are formats."""

    title: str
    question: str
    wrong_concept: str
    at: str
    start: str
    level: str
    edge: str
    more: str
    leaves: str
    drifts: str
    threshold: str
    began: str
    followed: str
    strange: str
    rejected: str
    no_path: str
    scores: str
    verdicts: Mapping[Verdict, str]

    def reason(self, reason: str) -> str:
        """Why a hop is strange, as `measure_path` tells it, in this language."""
        _, drifts, node = reason.partition("drifts from ")
        if drifts:
            return self.drifts.format(node=node)
        return self.leaves if reason == "leaves the question" else reason


WORDS: Mapping[Language, Words] = {
    "en": Words(
        title="Exploration: {about}",
        question="question",
        wrong_concept="wrong concept",
        at="at",
        start="start",
        level="level {level}",
        edge="edge {score}",
        more="and {count} more: {kinds}",
        leaves="leaves the question",
        drifts="drifts from {node}",
        threshold="(threshold {threshold})",
        began="began here",
        followed="followed",
        strange="strange: below the threshold",
        rejected="looked at, not followed",
        no_path="No hop was followed.",
        scores="Scores compare the question with a concept, edge scores two concepts.",
        verdicts={
            "followed": "followed",
            "below_threshold": "below threshold",
            "cycle": "cycle",
            "beam": "beam",
            "fan_out": "fan out",
            "max_hops": "max hops",
        },
    ),
    "ko": Words(
        title="탐색: {about}",
        question="문항",
        wrong_concept="틀린 개념",
        at="시각",
        start="시작",
        level="{level}단계",
        edge="앞 개념과 {score}",
        more="그 밖에 {count}개: {kinds}",
        leaves="질문에서 벗어남",
        drifts="{node}에서 멀어짐",
        threshold="(기준 {threshold})",
        began="시작한 개념",
        followed="따라감",
        strange="이상함: 기준 미만",
        rejected="살펴보고 따라가지 않음",
        no_path="따라간 홉이 없습니다.",
        scores="점수는 질문과 개념의 유사도, ‘앞 개념과’는 두 개념의 유사도입니다.",
        verdicts={
            "followed": "따라감",
            "below_threshold": "기준 미만",
            "cycle": "이미 지나온 개념",
            "beam": "더 나은 후보에 밀림",
            "fan_out": "갈래 수 초과",
            "max_hops": "최대 홉 수 도달",
        },
    ),
}
