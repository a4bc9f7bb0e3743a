"""What MLflow's errors say: whether it refuses what it was sent, is away, or failed on it."""

import re
from collections.abc import Iterator

__all__ = [
    "REFUSALS",
    "first_line",
    "innermost",
    "is_overloaded",
    "is_unavailable",
    "refuses",
    "status_of",
    "timed_out",
]

REFUSALS = frozenset({400, 413, 422})
"""HTTP answers that find fault with the request itself, which would come again."""

_UNAVAILABLE = frozenset({401, 403, 404, 429, 502, 503, 504})
_OVERLOADED = frozenset({429, 503})
_LAST_STATUS = re.compile(r"too many (\d{3}) error responses")


def refuses(error: Exception) -> bool:
    """Whether MLflow finds fault with what it was sent, and would again."""
    return status_of(error) in REFUSALS


def is_unavailable(error: Exception) -> bool:
    """Whether MLflow is away or too busy, whatever it was sent."""
    return status_of(error) in _UNAVAILABLE or _gave_no_answer(error)


def is_overloaded(error: Exception) -> bool:
    """Whether MLflow asks to be left alone for a while."""
    return status_of(error) in _OVERLOADED


def timed_out(error: BaseException) -> bool:
    """Whether an answer was waited for in vain."""
    from requests import Timeout

    return any(isinstance(cause, Timeout) for cause in _causes(error))


def status_of(error: Exception) -> int | None:
    """The HTTP status that MLflow gives this error, or got for it; None where it says none."""
    from mlflow.exceptions import MlflowException
    from requests import HTTPError

    last = _LAST_STATUS.search(str(error))
    if last is not None:
        return int(last[1])
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code())  # type: ignore[no-untyped-call]
    if isinstance(error, HTTPError) and error.response is not None:
        return int(error.response.status_code)
    return None


def first_line(error: BaseException) -> str:
    """What an error says, as far as it fits into a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def innermost(error: BaseException) -> str:
    """What the innermost cause says, which is the one that says what is wrong."""
    *_, cause = _causes(error)
    return first_line(cause)


def _gave_no_answer(error: BaseException) -> bool:
    from requests import ConnectionError as NoConnectionError
    from requests import Timeout
    from requests.exceptions import ChunkedEncodingError

    none = (NoConnectionError, Timeout, ChunkedEncodingError)
    return any(isinstance(cause, none) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what brought it about, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
