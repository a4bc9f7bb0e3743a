"""The exam: twelve questions, each with a wrong answer to explain and the vector of its text."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

__all__ = ["CONCEPTS", "QUESTIONS", "RELATIONS", "Question", "load_questions"]

_DATA = Path(__file__).with_name("data")
CONCEPTS = _DATA / "concepts.jsonl"
RELATIONS = _DATA / "relations.jsonl"
QUESTIONS = _DATA / "questions.jsonl"


class Question(BaseModel):
    """An exam question, how it is usually missed, and its embedding (384 numbers, all-MiniLM-L6-v2)."""

    model_config = ConfigDict(frozen=True)

    question_id: str
    question: str
    wrong_concept: str
    user_answer: str
    correct_answer: str
    task_type: str
    embedding: tuple[float, ...]


def load_questions() -> tuple[Question, ...]:
    """The questions that ship with the package, in the order of the exam."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return tuple(Question.model_validate_json(line) for line in lines)
