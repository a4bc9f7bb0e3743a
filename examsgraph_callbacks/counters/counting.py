"""Counts a journal on, look by look, and tells what it came to."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from examsgraph_callbacks.counters.additions import Additions
from examsgraph_callbacks.counters.series import SERIES, Sample, Series
from examsgraph_callbacks.counters.state import AS_IT_IS, State, counting
from examsgraph_callbacks.counters.sums import Key, Sums
from examsgraph_callbacks.defaults import ZERO_SECONDS
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.column_tail import ColumnTail
from examsgraph_callbacks.journal.forget import forgotten_mark
from examsgraph_callbacks.measure import Meter, configured_meter

__all__ = ["Counted", "Counters"]

_BUDGET_SECONDS = 1.0
"""After how long a look begins to read nothing more; Prometheus waits 10 s for an answer by default."""

_CAUGHT_UP = "caught up"


@dataclass(frozen=True, slots=True)
class Counted:
    """What a journal came to.

    `facts` were counted so far. `samples` are by series; none, with `caught_up` false, until all was counted
    that stood in the journal at first: what is old would look as if it had come today. `today_usd` is what
    the calendar day has cost so far by the zone's clock. `is_behind` says that there is more to read now.
    """

    facts: int
    caught_up: bool
    is_behind: bool
    today_usd: Decimal
    samples: tuple[tuple[Series, tuple[Sample, ...]], ...]


class Counters:
    """The counters of a journal, which never go down: not by compaction, a restart, or who is forgotten.

    They are kept beside the journal and shared by all that serve it. A series that is new is told as 0 for
    `zero_seconds` from when it is first told, and as what it is from then on: so its first events are an
    increase to all who ask at intervals, also to one of whose questions one was lost.
    """

    def __init__(
        self,
        journal: Journal,
        zone: ZoneInfo,
        meter: Meter | None = None,
        *,
        zero_seconds: float = ZERO_SECONDS,
        budget_seconds: float = _BUDGET_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._zone = zone
        self._meter = meter
        self._zero_seconds = zero_seconds
        self._budget_seconds = budget_seconds
        self._now = now
        self._monotonic_seconds = monotonic_seconds
        self._looked_at_lake = False
        self._saw_no_journal = False

    def look(self, *, told: bool = True) -> Counted:
        """Count what is new, as far as time allows, and tell all; `told` false where nobody gets to see it.

        Raises `InvalidInputError` where that cannot be kept, `SchemaError` for facts of a newer version.
        """
        if not self._journal.path.is_dir():
            # the first fact makes it; what comes then is new
            self._saw_no_journal = True
            nothing = Sums({}, {})
            self._begin_where_there_is_nothing(nothing)
            return Counted(0, True, False, Decimal(0), tuple(_samples(nothing, ())))
        with counting(self._journal.path) as state:
            sums = state.sums()
            is_first = state.known(_CAUGHT_UP) is None and not self._saw_no_journal
            today = self._now().astimezone(self._zone).toordinal()
            additions = Additions(state, sums, self._meter or configured_meter(), self._zone, today)
            self._begin_where_there_is_nothing(sums)
            self._forget_with_the_journal(state, additions)
            all_read = self._read(state, additions)
            facts = int(state.known("facts") or 0) + additions.facts
            state.note("facts", str(facts))
            if all_read or not is_first:
                state.note(_CAUGHT_UP, self._now().isoformat())
            # what stood there at first is nothing new
            shown = dict.fromkeys(sums.values, AS_IT_IS) if is_first else state.shown()
            changed = shown if is_first else self._shown_from_now(sums, shown)
            state.keep_sums(sums, changed if is_first or told else {})
            how = {**shown, **changed}
            fresh = {key for key in sums.values if how[key] != AS_IT_IS}
            counted = Counted(
                facts=facts,
                caught_up=all_read or not is_first,
                is_behind=not all_read,
                today_usd=additions.spent_today(),
                samples=tuple(_samples(sums, fresh)) if all_read or not is_first else (),
            )
        # once it is kept: what a look that fails had read of the lake is to be read again
        self._looked_at_lake = self._looked_at_lake or all_read
        return counted

    def _read(self, state: State, additions: Additions) -> bool:
        """Whether all was read that is new."""
        before = state.offsets()
        tail = ColumnTail(self._journal, before, state.compacted())
        until = self._monotonic_seconds() + self._budget_seconds
        all_read = True
        lots = tail.lots(look_at_lake=not self._looked_at_lake)
        for lot in lots:
            for facts in lot:
                additions.add(facts)
            if self._monotonic_seconds() > until:
                # another lot is left for the next look; the last one may have taken long
                all_read = next(lots, None) is None
                break
        additions.settle()
        state.keep_place(before, tail.offsets, tail.compacted)
        return all_read

    def _shown_from_now(self, sums: Sums, shown: Mapping[Key, int]) -> dict[Key, int]:
        """What changes at this moment of how series are shown."""
        now = int(self._now().timestamp())
        changed = dict.fromkeys(sums.values.keys() - shown.keys(), now)
        for key, since in shown.items():
            # a clock that was set back is not waited for
            if since != AS_IT_IS and not since <= now < since + self._zero_seconds:
                changed[key] = AS_IT_IS
        return changed

    def _begin_where_there_is_nothing(self, sums: Sums) -> None:
        for name, series in SERIES.items():
            if not series.labels and (name, ()) not in sums.values:
                sums.begin(name)

    def _forget_with_the_journal(self, state: State, additions: Additions) -> None:
        mark = str(forgotten_mark(self._journal.path))
        if state.known("forgotten") != mark:
            additions.subjects.forget_all()
            state.note("forgotten", mark)


def _samples(sums: Sums, fresh: Iterable[object]) -> Iterable[tuple[Series, tuple[Sample, ...]]]:
    of_series: dict[str, list[Sample]] = {name: [] for name in SERIES}
    first = set(fresh)
    for key in sorted(sums.values):
        name, labels = key
        values = sums.values[key]
        of_series[name].append(Sample(labels, tuple(0 for _ in values) if key in first else tuple(values)))
    for name, samples in of_series.items():
        yield SERIES[name], tuple(samples)
