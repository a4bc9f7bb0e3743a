"""What a message says, before any channel gives it a form."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Event", "Example", "Notice", "as_text", "sample"]

Event = Literal["opened", "repeated", "resolved", "test"]

_MARKS: dict[Event, str] = {
    "opened": "🔴",
    "repeated": "🔴 still:",
    "resolved": "✅ resolved:",
    "test": "🔔 test:",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Example(_Frozen):
    """A question whose explanation was not understood, as far as the journal knows it."""

    score: int
    question_id: str | None = None
    question: str | None = None
    said: str | None = None


class Notice(_Frozen):
    """One message about one incident.

    `incident` is its number, the same in all its messages, so that one that came twice is known. `subject` is
    the concept, user or model that it is about. `cost` tells the cost of today so far, `link` is the page in
    MLflow, None where no server shows one.
    """

    incident: int
    event: Event
    rule: str
    subject: str
    title: str
    opened_at: str
    examples: tuple[Example, ...] = ()
    cost: str
    link: str | None = None

    @property
    def headline(self) -> str:
        """The title behind the mark of its event."""
        return f"{_MARKS[self.event]} {self.title}"


def as_text(notice: Notice) -> str:
    """The notice as lines of plain text."""
    lines = [notice.headline, *(told(example) for example in notice.examples), notice.cost, footer(notice)]
    return "\n".join([*lines, notice.link] if notice.link else lines)


def told(example: Example) -> str:
    """One line about an example."""
    parts = [part for part in (example.question_id, example.question) if part]
    said = f' — "{example.said}"' if example.said else ""
    return f"{': '.join(parts) or 'a question without an id'} (understanding {example.score}){said}"


def footer(notice: Notice) -> str:
    """Which incident of which rule it is, and since when."""
    return f"incident {notice.incident} · {notice.rule} · since {notice.opened_at}"


def sample(link: str | None) -> Notice:
    """A message to try a channel with."""
    return Notice(
        incident=0,
        event="test",
        rule="concept_confusion",
        subject="정규화",
        title="정규화: understood at 2 or less 10 times within 24 h",
        opened_at="a sample, no incident",
        examples=tuple(
            Example(score=score, question_id=f"q_00{number}", question=question, said=said)
            for number, (score, question, said) in enumerate(
                [
                    (2, "정규화의 목적은?", "무슨 말인지 더 쉽게 설명해줘"),
                    (1, "제2정규형의 조건은?", "예시가 필요해요"),
                    (2, "이상현상이 생기는 까닭은?", None),
                ],
                start=1,
            )
        ),
        cost="Cost today so far: $0.00 (a sample)",
        link=link,
    )
