"""The errors that this package raises on purpose: each says what was expected, what came, what to do."""

__all__ = [
    "AlreadyShippingError",
    "AlreadyWatchingError",
    "BudgetExceededError",
    "DeliveryError",
    "ExamsGraphError",
    "GraphUnavailableError",
    "InvalidInputError",
    "JournalUnavailableError",
    "LakeUnavailableError",
    "MissingExtraError",
    "RecordingError",
    "ReplayMissError",
    "SchemaError",
]


class ExamsGraphError(Exception):
    """The base of all errors of this package: catch it to catch them all."""


class InvalidInputError(ExamsGraphError, ValueError):
    """A caller passed something that cannot be recorded or used; nothing was recorded."""


class JournalUnavailableError(ExamsGraphError):
    """The disk does not take what was to be written to the journal; nothing of it was recorded."""


class LakeUnavailableError(ExamsGraphError, OSError):
    """The compacted part of a journal cannot be read or written now; its cause says what failed.

    The message names no place, so that it may be told to whoever asked.
    """

    def __init__(self, error: BaseException) -> None:
        what = getattr(error, "strerror", None) or type(error).__name__
        super().__init__(
            f"the journal's lake cannot be reached now ({what}): ask again later, or see that the place "
            "EXAMSGRAPH_LAKE names is up and lets this server in"
        )


class GraphUnavailableError(ExamsGraphError):
    """A graph's server is down, refused the question or has no graph; the message says what to put right."""


class DeliveryError(ExamsGraphError):
    """MLflow could not be reached or would not take what was delivered; nothing is lost, ship again.

    `retry_after_seconds` is how long MLflow asked to be left alone, where it did.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class AlreadyShippingError(DeliveryError):
    """Another process ships this journal to the same MLflow at this moment."""


class AlreadyWatchingError(ExamsGraphError):
    """Another process sends the alerts of this journal at this moment."""


class BudgetExceededError(ExamsGraphError):
    """A call was not made because the day's budget is spent, or what was spent is not known."""


class SchemaError(ExamsGraphError):
    """A journal was written by a newer major version of this package than the one reading it."""


class RecordingError(ExamsGraphError):
    """A recording cannot be read, written or played; the message says where it fails and what to do."""


class ReplayMissError(ExamsGraphError, LookupError):
    """A replayed application asked what was not recorded; nothing went to the network.

    The message names the nearest recording and the first difference.
    """


class UnfinishedRunError(ExamsGraphError):
    """Recorded, never raised: why a run that was still open was ended by us."""


class MissingExtraError(ExamsGraphError, ImportError):
    """An optional library is needed and not installed; the message names the extra to install."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{library} is needed for this and is not installed: "
            f"run  pip install 'examsgraph-callbacks[{extra}]'",
        )
