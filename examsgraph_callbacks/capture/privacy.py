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
from examsgraph_callbacks.events import Fact, LLMCall, Retrieval, RetrievedDocument
from examsgraph_callbacks.settings import Settings

__all__ = ["CONTENT_FIELDS", "Privacy"]

CONTENT_FIELDS = frozenset(
    {
        "ai_explanation",
        "answer",
        "correct_answer",
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
        "request",
        "user_answer",
    },
)
"""The fields of facts that hold content. `documents` keep their figures, without content too."""

_REDACTED_IN_DOCUMENTS = ("id", "content", "metadata")
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
        settings = Settings()
        key = settings.user_key
        return cls(
            redact,
            capture_content=settings.capture_content,
            user_key=None if key is None else key.get_secret_value(),
        )

    def recorded(self, fact: FactT) -> FactT:
        """The fact as it may be written."""
        recorded = self._redacted(fact) if self._capture_content else _without_content(fact)
        changes: dict[str, object] = {}
        if self._user_key is not None:
            for name in _PSEUDONYMS:
                if identifier := getattr(fact, name):
                    changes[name] = pseudonym(identifier, self._user_key)
        if isinstance(fact, LLMCall) and isinstance(recorded, LLMCall) and _is_to_be_estimated(fact):
            changes |= _lengths_lost(fact, recorded)
        return recorded.model_copy(update=changes) if changes else recorded

    def _redacted(self, fact: FactT) -> FactT:
        redacted = self._redactor.model(fact, _content_fields(type(fact)))
        if not isinstance(fact, Retrieval):
            return redacted
        documents = tuple(
            [self._redactor.model(document, _REDACTED_IN_DOCUMENTS) for document in fact.documents]
        )
        if documents == fact.documents:
            return redacted
        return redacted.model_copy(update={"documents": documents})


def _without_content(fact: FactT) -> FactT:
    fields = type(fact).model_fields
    changes: dict[str, object] = {
        name: fields[name].get_default(call_default_factory=True) for name in _content_fields(type(fact))
    }
    if isinstance(fact, Retrieval):
        changes["documents"] = tuple(
            RetrievedDocument(id=document.id, score=document.score, content_length=document.content_length)
            for document in fact.documents
        )
    return fact.model_copy(update=changes)


@cache
def _content_fields(kind: type[Fact]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name in CONTENT_FIELDS)


def _is_to_be_estimated(call: LLMCall) -> bool:
    return call.status in {"ok", "partial"} and (call.input_tokens is None or call.output_tokens is None)


def _lengths_lost(sent: LLMCall, recorded: LLMCall) -> dict[str, object]:
    """The lengths of what is to be estimated and is not recorded as it was."""
    # seldom needed, and 15 ms to import: not with the package
    from examsgraph_callbacks.measure import answer_length, request_length

    lengths: dict[str, object] = {}
    if sent.input_tokens is None and sent.request is not None and sent.request != recorded.request:
        lengths["request_length"] = request_length(sent.request)
    if sent.output_tokens is None and sent.answer is not None and sent.answer != recorded.answer:
        lengths["answer_length"] = answer_length(sent.answer)
    return lengths
