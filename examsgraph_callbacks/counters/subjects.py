"""What a learner's words are about: the concept and the prompt of the turn, which may have come before."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from sqlite3 import Connection

__all__ = ["Subjects"]

_DAYS_KEPT = 3
"""How long a turn is remembered after it began; feedback comes within minutes."""

Row = Mapping[str, object]


class Subjects:
    """Remembers turns and explorations, to tell what a feedback is about. Knows nobody's name."""

    def __init__(self, sql: Connection) -> None:
        self._sql = sql

    def remember_turns(self, turns: Iterable[Row]) -> None:
        """Take rows with `trace_id`, `concept`, `variant` and `day`; what is None leaves what was told."""
        self._sql.executemany(
            "insert into turn values (?, ?, ?, ?) on conflict do update set "
            "concept = ifnull(excluded.concept, concept), variant = ifnull(excluded.variant, variant)",
            [(row["trace_id"], row["concept"], row["variant"], row["day"]) for row in turns],
        )

    def remember_questions(self, questions: Iterable[Row]) -> None:
        """Take rows with `session_id`, `question_id`, `concept` and `day`, the latest last."""
        self._sql.executemany(
            "insert or replace into question values (?, ?, ?)",
            [(_key(row["session_id"], row["question_id"]), row["concept"], row["day"]) for row in questions],
        )

    def of(self, feedback: Row) -> tuple[str | None, str | None]:
        """The concept and the prompt variant of a feedback.

        The concept is its own, else its turn's, else that of the question's latest walk in its session.
        """
        turn = self._sql.execute(
            "select concept, variant from turn where trace_id = ?", (feedback["trace_id"],)
        ).fetchone() or (None, None)
        question = self._sql.execute(
            "select concept from question where key = ?",
            (_key(feedback["session_id"], feedback["question_id"]),),
        ).fetchone() or (None,)
        concept = feedback["concept"] or feedback["wrong_concept"] or turn[0] or question[0]
        variant = feedback["prompt_variant"] or turn[1]
        return (None if concept is None else str(concept), None if variant is None else str(variant))

    def forget_old(self, today: int) -> None:
        """Drop what is so old by `today`, the day's ordinal, that nobody comes back to it."""
        for table in ("turn", "question"):
            self._sql.execute(f"delete from {table} where day < ?", (today - _DAYS_KEPT,))  # noqa: S608 - of two

    def forget_all(self) -> None:
        """Drop all: somebody asked to be forgotten."""
        for table in ("turn", "question"):
            self._sql.execute(f"delete from {table}")  # noqa: S608 - of two


def _key(session_id: object, question_id: object) -> bytes:
    # whose session it was is nobody's business here
    return blake2b(f"{session_id}\0{question_id}".encode("utf-8", "replace"), digest_size=16).digest()
