"""What of a fact may reach the disk: its content redacted or dropped, its user under a pseudonym.

Content is what learners, models, tools and documents said. All other text in a fact is an id, a name
or a label that the application chose (of runs and models, tags, task types, the concepts of a graph):
figures are grouped and joined by it, and it is recorded as it is. So are `user_id` and `session_id`:
whoever has addresses or numbers for ids sets `EXAMSGRAPH_USER_KEY`.
"""

from functools import cache
from typing import TypeVar

from examsgraph_callbacks.capture.pseudonym import pseudonym
from examsgraph_callbacks.capture.redaction import Redact, redact_text
from examsgraph_callbacks.capture.redactor import Redactor
from examsgraph_callbacks.events import Fact, LLMCall
from examsgraph_callbacks.settings import current_settings

__all__ = ["CONTENT_FIELDS", "Privacy"]

CONTENT_FIELDS = frozenset(
    {
        "ai_explanation",
        "answer",
        "correct_answer",
        "documents",
        "error_message",
        "final_explanation",
        "followup_text",
        "generated_responses",
        "input",
        "inputs",
        "output",
        "outputs",
        "prompt_variants",
        "query",
        "rationale",
        "request",
        "texts",
        "user_answer",
    },
)
"""The fields of facts that hold content. `documents` keep their ids and figures, without content too."""

_MADE_OF_CONTENT = frozenset({"vectors"})  # nothing to redact, and still much of what a text says
_FIGURES_OF_DOCUMENTS = ("id", "score", "content_length")
_PSEUDONYMS = ("user_id", "session_id")

FactT = TypeVar("FactT", bound=Fact)


class Privacy:
    """From the facts that were captured to those that may be written; every fact goes through it.

    `redact` is applied to every text of content. Its default is `redact_text`, whose place another
    function takes: one that adds to it calls it. Without `capture_content` no content is recorded.
    Under a `user_key` user and session ids are recorded as their `pseudonym`. Raises `InvalidInputError`
    where the key is not 16 to 64 bytes long.
    """

    def __init__(
        self,
        redact: Redact = redact_text,
        *,
        capture_content: bool = True,
        user_key: str | None = None,
    ) -> None:
        if user_key is not None:
            pseudonym("", user_key)  # a key that does not fit is told now, not in a running chain
        self._redactor = Redactor(redact)
        self._capture_content = capture_content
        self._user_key = user_key

    @classmethod
    def configured(cls, redact: Redact = redact_text) -> "Privacy":
        """As `EXAMSGRAPH_CAPTURE_CONTENT` and `EXAMSGRAPH_USER_KEY` say."""
        settings = current_settings()
        key = settings.user_key
        return cls(
            redact,
            capture_content=settings.capture_content,
            user_key=None if key is None else key.get_secret_value(),
        )

    def recorded(self, fact: FactT) -> FactT:
        """The fact as it may be written."""
        given = fact.model_dump(exclude_none=True)
        recorded = self.recorded_fields(type(fact), given)
        return fact if recorded is given else type(fact).model_validate(recorded)

    def recorded_fields(self, kind: type[Fact], fields: dict[str, object]) -> dict[str, object]:
        """The fields of a fact of that kind as they may be written; the same object where nothing changes."""
        names = _content_fields(kind)
        if self._capture_content:
            recorded = self._redactor.fields(fields, names)
        else:
            recorded = _without_content(fields, names)
        if recorded is not fields and kind is LLMCall and _is_to_be_estimated(fields):
            recorded = {**recorded, **_lengths_lost(fields, recorded)}
        if self._user_key is None:
            return recorded
        return {**recorded, **_pseudonyms(fields, self._user_key)}


def _without_content(fields: dict[str, object], names: tuple[str, ...]) -> dict[str, object]:
    kept = {
        name: value for name, value in fields.items() if name not in names and name not in _MADE_OF_CONTENT
    }
    documents = fields.get("documents")
    if isinstance(documents, (list, tuple)):
        kept["documents"] = [
            {name: value for name, value in document.items() if name in _FIGURES_OF_DOCUMENTS}
            for document in documents
        ]
    return kept


def _pseudonyms(fields: dict[str, object], user_key: str) -> dict[str, object]:
    return {
        name: pseudonym(identifier, user_key)
        for name in _PSEUDONYMS
        if isinstance(identifier := fields.get(name), str) and identifier
    }


@cache
def _content_fields(kind: type[Fact]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name in CONTENT_FIELDS)


def _is_to_be_estimated(call: dict[str, object]) -> bool:
    return call.get("status") in {"ok", "partial"} and not (
        "input_tokens" in call and "output_tokens" in call
    )


def _lengths_lost(sent: dict[str, object], recorded: dict[str, object]) -> dict[str, object]:
    """The lengths of what is to be estimated and is not recorded as it was."""
    # seldom needed, and 15 ms to import: not with the package
    from examsgraph_callbacks.measure import answer_length, request_length

    call = LLMCall.model_validate(sent)
    lengths: dict[str, object] = {}
    if call.input_tokens is None and call.request and recorded.get("request") is not sent["request"]:
        lengths["request_length"] = request_length(call.request).model_dump()
    if call.output_tokens is None and call.answer and recorded.get("answer") is not sent["answer"]:
        lengths["answer_length"] = answer_length(call.answer).model_dump()
    return lengths
