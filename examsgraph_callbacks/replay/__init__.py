"""Recordings: cut out of a journal, verified, measured again, and played to a live chain."""

from examsgraph_callbacks.replay.answering import Waits, arguments_text, failure_of, pieces
from examsgraph_callbacks.replay.exploring import publish_recorded
from examsgraph_callbacks.replay.lines import Header
from examsgraph_callbacks.replay.player import Player, RecordedRetrieval
from examsgraph_callbacks.replay.reading import Flaw
from examsgraph_callbacks.replay.recording import Recording, chosen
from examsgraph_callbacks.replay.remeasuring import Figures, Remeasured, remeasure
from examsgraph_callbacks.replay.verifying import Secret, Verified, secrets_in, verify
from examsgraph_callbacks.replay.writing import Exported, write_recording

__all__ = [
    "Exported",
    "Figures",
    "Flaw",
    "Header",
    "Player",
    "RecordedRetrieval",
    "Recording",
    "Remeasured",
    "Secret",
    "Verified",
    "Waits",
    "arguments_text",
    "chosen",
    "failure_of",
    "pieces",
    "publish_recorded",
    "remeasure",
    "secrets_in",
    "verify",
    "write_recording",
]
