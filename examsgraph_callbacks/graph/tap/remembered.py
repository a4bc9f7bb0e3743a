"""What was looked up a moment ago: the same question about the same nodes is not put twice in a minute."""

import threading
import time
from array import array
from collections.abc import Callable, Hashable
from typing import TypeAlias
from weakref import WeakKeyDictionary

from examsgraph_callbacks.graph.tap.hearing import AnyDriver, Place
from examsgraph_callbacks.graph.tap.lookup_statements import Found, Wanted

__all__ = ["REMEMBERED_SECONDS", "Remembered"]

REMEMBERED_SECONDS = 60.0
"""So late, at most, a changed name or embedding is noticed."""

_ANSWERS_LIMIT = 256  # of one driver; the oldest goes first

_Answers: TypeAlias = dict[Hashable, tuple[int, Found]]


class Remembered:
    """Answers by driver, database and whole question, query vector included; safe in threads."""

    def __init__(self, elapsed_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._elapsed_ns = elapsed_ns
        self._answers: WeakKeyDictionary[AnyDriver, _Answers] = WeakKeyDictionary()
        # reentrant: a driver may be garbage-collected in here
        self._lock = threading.RLock()

    def recall(self, place: Place, wanted: Wanted) -> Found | None:
        """What was found; None where it was not asked, or too long ago, or nobody knows in whose name."""
        driver = place.driver()
        if driver is None or not _is_told_apart(place):
            return None
        with self._lock:
            began_ns, found = self._answers.get(driver, {}).get(_key(place, wanted), (0, None))
        is_fresh = self._elapsed_ns() - began_ns < REMEMBERED_SECONDS * 1e9
        return found if is_fresh else None

    def remember(self, place: Place, wanted: Wanted, found: Found) -> None:
        """Keep what was found just now."""
        driver = place.driver()
        if driver is None or not _is_told_apart(place):
            return
        key = _key(place, wanted)
        with self._lock:
            answers = self._answers.setdefault(driver, {})
            answers.pop(key, None)  # so that it stands last again
            answers[key] = (self._elapsed_ns(), found)
            if len(answers) > _ANSWERS_LIMIT:
                del answers[next(iter(answers))]


def _is_told_apart(place: Place) -> bool:
    """Whether its settings say in whose name it asks: of a login of its own they do not."""
    return "auth" not in place.session_config


def _key(place: Place, wanted: Wanted) -> Hashable:
    config = place.session_config
    vector = None if wanted.query_vector is None else array("d", wanted.query_vector).tobytes()
    return (
        config.get("database"),
        config.get("impersonated_user"),
        wanted.element_ids,
        wanted.by_name,
        tuple((key, *next_keys) for key, next_keys in wanted.next_keys.items()),
        wanted.names,
        wanted.texts,
        vector,
    )
