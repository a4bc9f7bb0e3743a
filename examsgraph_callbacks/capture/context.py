"""Who a turn is for and what about: ambient context, per-run metadata and defaults; the nearest wins."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["CONTEXT_KEYS", "Context", "ambient_context", "context_in_metadata", "nearest", "tutoring"]

Context = Mapping[str, str]
"""Some of `CONTEXT_KEYS` with their values."""

CONTEXT_KEYS = ("user_id", "session_id", "question_id", "task_type", "wrong_concept", "prompt_variant")

_KEYS = frozenset(CONTEXT_KEYS)
_EMPTY: Context = {}
_ambient: ContextVar[Context] = ContextVar("examsgraph_context", default=_EMPTY)


@contextmanager
def tutoring(
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    question_id: str | None = None,
    task_type: str | None = None,
    wrong_concept: str | None = None,
    prompt_variant: str | None = None,
) -> Iterator[None]:
    """Everything recorded inside the block carries these; blocks nest, the inner one's values win.

    Holds in threads and tasks that copy the context, as LangChain's do. Raises `InvalidInputError`
    for a value that is not text.
    """
    given = {
        "user_id": user_id,
        "session_id": session_id,
        "question_id": question_id,
        "task_type": task_type,
        "wrong_concept": wrong_concept,
        "prompt_variant": prompt_variant,
    }
    token = _ambient.set({**_ambient.get(), **checked(given)})
    try:
        yield
    finally:
        _ambient.reset(token)


def checked(given: Mapping[str, str | None]) -> dict[str, str]:
    """The values that were given; raises `InvalidInputError` where one is not text."""
    for key, value in given.items():
        if value is not None and not isinstance(value, str):
            raise InvalidInputError(
                f"expected text for {key}, got {type(value).__name__} {value!r}: pass str({key})",
            )
    return {key: value for key, value in given.items() if value is not None}


def ambient_context() -> Context:
    """What the surrounding `tutoring` blocks say."""
    return _ambient.get()


def context_in_metadata(metadata: Mapping[str, object] | None) -> Context:
    """The context keys among a run's metadata, as text."""
    if not metadata or _KEYS.isdisjoint(metadata):
        return _EMPTY
    return {key: str(metadata[key]) for key in CONTEXT_KEYS if metadata.get(key) is not None}


def nearest(inherited: Context, before: Context, now: Context) -> Context:
    """`inherited` with what changed from `before` (seen by the parent run) to `now`.

    A value that only passed down unchanged is no nearer than the one the parent settled on.
    """
    if now is before or now == before:
        return inherited
    return {**inherited, **{key: value for key, value in now.items() if before.get(key) != value}}
