"""Costs, routing and graph paths of LangChain and LlamaIndex applications, recorded as facts."""

from examsgraph_callbacks.autolog import autolog
from examsgraph_callbacks.lazy import lazy_names

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from examsgraph_callbacks.capture import pseudonym, redact_text, tutoring
    from examsgraph_callbacks.journal import Journal
    from examsgraph_callbacks.settings import Settings
    from examsgraph_callbacks.tracker import Tracker, mlflow_tracker

__all__ = [
    "Journal",
    "Settings",
    "Tracker",
    "autolog",
    "mlflow_tracker",
    "pseudonym",
    "redact_text",
    "tutoring",
]

# at first use: this is imported at the start of every recorded process, whatever that is for
__getattr__ = lazy_names(
    __name__,
    {
        "Journal": "journal",
        "Settings": "settings",
        "Tracker": "tracker",
        "mlflow_tracker": "tracker",
        "pseudonym": "capture",
        "redact_text": "capture",
        "tutoring": "capture",
    },
)
