"""Costs, routing and graph paths of LangChain and LlamaIndex applications, recorded as facts."""

from examsgraph_callbacks.autolog import autolog

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from examsgraph_callbacks.capture import pseudonym, redact_text, tutoring
    from examsgraph_callbacks.journal import Journal
    from examsgraph_callbacks.settings import Settings
    from examsgraph_callbacks.tracker import Tracker

__all__ = ["Journal", "Settings", "Tracker", "autolog", "pseudonym", "redact_text", "tutoring"]

_ROOMS = {
    "Journal": "journal",
    "Settings": "settings",
    "Tracker": "tracker",
    "pseudonym": "capture",
    "redact_text": "capture",
    "tutoring": "capture",
}


def __getattr__(name: str) -> object:
    # at first use: this is imported at the start of every recorded process, whatever that is for
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = found
    return found
