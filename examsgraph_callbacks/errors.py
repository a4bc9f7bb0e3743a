"""The errors that this package raises on purpose: each says what was expected, what came, what to do."""

__all__ = [
    "DeliveryError",
    "ExamsGraphError",
    "GraphUnavailableError",
    "InvalidInputError",
    "MissingExtraError",
    "SchemaError",
]


class ExamsGraphError(Exception):
    """The base of all errors of this package: catch it to catch them all."""


class InvalidInputError(ExamsGraphError, ValueError):
    """A caller passed something that cannot be recorded or used; nothing was recorded."""


class GraphUnavailableError(ExamsGraphError):
    """A graph's server is down, refused the question or has no graph; the message says what to put right."""


class DeliveryError(ExamsGraphError):
    """MLflow could not be reached or would not take what was delivered; nothing is lost, ship again."""


class SchemaError(ExamsGraphError):
    """A journal was written by a newer major version of this package than the one reading it."""


class UnfinishedRunError(ExamsGraphError):
    """Recorded, never raised: why a run that was still open was ended by us."""


class MissingExtraError(ExamsGraphError, ImportError):
    """An optional library is needed and not installed; the message names the extra to install."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{library} is needed for this and is not installed: "
            f"run  pip install 'examsgraph-callbacks[{extra}]'",
        )
