"""The class: who they are, what they get wrong, and how they take an explanation; the same every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from examsgraph_callbacks.demo.questions import Question
from examsgraph_callbacks.events import FeedbackType

__all__ = ["CLASS", "Learner", "Reaction", "missed_questions", "reaction"]

_SEED = 2025
_HARD_CONCEPTS = frozenset({"데이터베이스 정규화", "정규화", "이상현상", "함수 종속", "BCNF"})
_DOWN = (
    "무슨 말인지 더 쉽게 설명해줘",
    "용어가 너무 어려워요. 처음부터 다시 알려 주세요.",
    "예시를 들어서 설명해 주세요.",
)
_FOLLOWUPS = (
    "그러면 실무에서는 언제 쓰나요?",
    "비슷한 개념이랑 뭐가 다른지 표로 보여 주세요.",
    "비슷한 문제를 하나 더 내 주세요.",
)


@dataclass(frozen=True, slots=True)
class Learner:
    """A learner; `strength` from 0 to 1 is how much goes right and is understood."""

    user_id: str
    name: str
    strength: float
    greeting: str

    @property
    def session_id(self) -> str:
        """The learner's one session."""
        return self.user_id.replace("user", "session")


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a learner says of an explanation."""

    feedback_type: FeedbackType
    understanding_score: int
    followup_text: str | None


CLASS = (
    Learner("user_001", "김민준", 0.45, "안녕하세요!"),
    Learner("user_002", "이서연", 0.75, "선생님, 안녕하세요. 잘 부탁드려요."),
    Learner(
        "user_003",
        "박지호",
        0.35,
        "안녕하세요 선생님! 어제는 동아리 행사가 있어서 복습을 하나도 못 했는데, 정보처리기사 시험이 3주밖에 "
        "안 남아서 오늘은 정말 열심히 해 보려고 일찍 왔어요. 오늘도 잘 부탁드립니다!",
    ),
    Learner("user_004", "최수아", 0.6, "반가워요~"),
    Learner("user_005", "정도윤", 0.5, "안녕하세요, 오늘도 왔습니다."),
    Learner(
        "user_006",
        "한예린",
        0.65,
        "안녕하세요! 친구가 여기서 공부하고 필기에 합격했다고 해서 저도 처음 들어와 봤어요. 데이터베이스는 "
        "정말 하나도 모르는데 처음부터 차근차근 배울 수 있으면 좋겠습니다.",
    ),
)


def missed_questions(learner: Learner, questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions that the learner gets wrong, in the order of the exam."""
    return tuple(
        question for question in questions if _dice(learner, question, "exam").random() > learner.strength
    )


def reaction(learner: Learner, question: Question) -> Reaction:
    """How the learner takes the explanation: the weaker the learner and the harder the concept, the worse."""
    dice = _dice(learner, question, "feedback")
    level = 2.4 + 2.6 * learner.strength - (1.2 if question.wrong_concept in _HARD_CONCEPTS else 0.0)
    score = min(5, max(1, round(dice.gauss(level, 0.9))))
    if score <= 2:
        return Reaction("thumbs_down", score, dice.choice(_DOWN))
    if score == 3:
        return Reaction("followup_question", score, dice.choice(_FOLLOWUPS))
    return Reaction("thumbs_up", score, None)


def _dice(learner: Learner, question: Question, what: str) -> Random:
    # one for each throw: the order in which learners are served changes nothing
    return Random(f"{_SEED} {learner.user_id} {question.question_id} {what}")  # noqa: S311 - no secret
