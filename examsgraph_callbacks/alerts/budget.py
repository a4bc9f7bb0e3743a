"""The budget guard: what the day has cost, read from the journal, and whether another call may be made."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from examsgraph_callbacks.capture import ambient_context, pseudonym
from examsgraph_callbacks.errors import BudgetExceededError, InvalidInputError
from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.tail import Tail
from examsgraph_callbacks.measure import Meter, configured_meter
from examsgraph_callbacks.settings import current_settings

__all__ = ["BudgetGuard", "Spent"]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a day has cost so far, as far as it stands in the journal.

    `usd` is the sum over calls with a price; `unpriced_calls` are not in it, nor are they free.
    """

    usd: Decimal = Decimal(0)
    unpriced_calls: int = 0


class BudgetGuard:
    """Refuses a call that is about to be made where the day's budget is spent; opt-in.

    `daily_usd` is the budget of a calendar day by `EXAMSGRAPH_TIME_ZONE`, `per_user_daily_usd` that of one
    user in it; a call is refused once as much is spent. Raises `InvalidInputError` where neither is given, or
    one is negative.

    What was spent is read from `journal`, incrementally, at a check and `refresh_seconds` after the last
    reading at the earliest. So it is as stale as this: calls under way and those that ended within
    `refresh_seconds` are not in it, of any thread; another process's calls are in it once they stand in the
    same journal, another machine's never. n calls at once may so spend n calls too much. One guard serves
    any number of threads; each process has its own, and all read the same facts.

    A call without a price is not taken for free: by default the guard refuses from the first one of the day
    on, and names it, because what was spent is then unknown. With `unpriced_call_usd` each is counted at
    that. Calls that failed without usage do not count. Where the journal cannot be read that is reported
    (see `failures`) and the last known sums hold.
    """

    def __init__(
        self,
        daily_usd: Decimal | float | str | None = None,
        per_user_daily_usd: Decimal | float | str | None = None,
        *,
        unpriced_call_usd: Decimal | float | str | None = None,
        journal: Journal | str | Path | None = None,
        meter: Meter | None = None,
        refresh_seconds: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        if daily_usd is None and per_user_daily_usd is None:
            raise InvalidInputError(
                "expected daily_usd or per_user_daily_usd, found neither: give one, in USD"
            )
        self._daily = _amount("daily_usd", daily_usd)
        self._per_user = _amount("per_user_daily_usd", per_user_daily_usd)
        self._unpriced = _amount("unpriced_call_usd", unpriced_call_usd)
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._monotonic_seconds = monotonic_seconds
        settings = current_settings()
        self._zone = settings.time_zone
        self._user_key = None if settings.user_key is None else settings.user_key.get_secret_value()
        self._spending = _Spending(
            journal if isinstance(journal, Journal) else Journal(journal),
            meter or configured_meter(),
            self._zone,
        )
        self._lock = threading.Lock()
        self._read_at: float | None = None

    def check(self, user_id: str | None = None) -> None:
        """Raise `BudgetExceededError` where another call may not be made now.

        `user_id` is the one that the application knows; None takes that of the surrounding `tutoring()`.
        Reads files, which takes milliseconds, and at its first call all of the day; never call it in a
        callback.
        """
        user = user_id or ambient_context().get("user_id")
        day, users = self._sums(user)
        self._hold("the day", self._daily, day)
        if user is not None:
            self._hold(f"user {user}", self._per_user, users)

    def spent(self, user_id: str | None = None) -> Spent:
        """What today has cost so far, in all, or for one user (as the application knows them)."""
        day, user = self._sums(user_id)
        return day if user_id is None else user

    def _sums(self, user: str | None) -> tuple[Spent, Spent]:
        with self._lock:
            # under the lock: who waited for it over midnight is in the new day
            today = self._now().astimezone(self._zone).date()
            at = self._monotonic_seconds()
            due = self._read_at is None or at - self._read_at >= self._refresh_seconds
            if due or not self._spending.knows(today):
                self._read_at = at
                self._spending.read(today)
            return self._spending.of_day(today), self._spending.of_user(today, self._recorded(user))

    def _recorded(self, user: str | None) -> str | None:
        return user if user is None or self._user_key is None else pseudonym(user, self._user_key)

    def _hold(self, whose: str, budget: Decimal | None, spent: Spent) -> None:
        if budget is None:
            return
        usd = spent.usd
        if spent.unpriced_calls:
            if self._unpriced is None:
                raise BudgetExceededError(
                    f"expected every call of {whose} to have a price, {spent.unpriced_calls} have none, so "
                    f"what was spent of {budget} USD is not known: give their model a price, or the guard an "
                    "unpriced_call_usd"
                )
            usd += self._unpriced * spent.unpriced_calls
        if usd >= budget:
            raise BudgetExceededError(
                f"expected {whose} to cost less than {budget} USD, it has cost {usd:.4f} USD so far: raise "
                "the budget, or wait until tomorrow"
            )


class _Spending:
    """The sums by the day on which calls began; whoever has it holds the guard's lock.

    Yesterday's are kept too, and tomorrow's if they are there: a clock is set back, and another process's
    may be ahead.
    """

    def __init__(self, journal: Journal, meter: Meter, zone: ZoneInfo) -> None:
        self._journal = journal
        self._meter = meter
        self._zone = zone
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._tail = Tail(self._journal)
        self._since: date | None = None
        self._users: defaultdict[tuple[date, str | None], Spent] = defaultdict(Spent)
        self._days: defaultdict[date, Spent] = defaultdict(Spent)

    def knows(self, day: date) -> bool:
        """Whether this day was among those that were last read."""
        return self._since is not None and self._since <= day and day in self._days

    def read(self, today: date) -> None:
        """Go on reading; what is older than yesterday goes."""
        if self._since is None or today < self._since:
            self._begin_anew()
            self._since = today
        self._since = since = max(self._since or today, today - timedelta(days=1))
        self._days[today]  # so that it is known, whatever it costs
        for key in [key for key in self._users if key[0] < since]:
            del self._users[key]
        for day in [day for day in self._days if day < since]:
            del self._days[day]
        midnight = datetime.combine(today, datetime.min.time(), self._zone).astimezone(UTC)
        try:
            for fact in self._tail.new(midnight - timedelta(seconds=1)):
                if isinstance(fact, (LLMCall, EmbeddingCall)):
                    day = fact.started_at.astimezone(self._zone).date()
                    if day >= since:
                        self._add(day, fact)
        except Exception as error:  # noqa: BLE001 - the host's call does not fail for our disk
            failures.report("reading what was spent", error)

    def of_day(self, day: date) -> Spent:
        """Of everybody."""
        return self._days.get(day, Spent())

    def of_user(self, day: date, user: str | None) -> Spent:
        """Of one user, under the id that is recorded; nothing of nobody."""
        return self._users.get((day, user), Spent()) if user else Spent()

    def _add(self, day: date, call: LLMCall | EmbeddingCall) -> None:
        cost = self._meter.measure(call).cost_usd
        unpriced = int(cost is None and call.status != "error")
        self._users[day, call.user_id] = _more(self._users[day, call.user_id], cost, unpriced)
        self._days[day] = _more(self._days[day], cost, unpriced)


def _more(spent: Spent, cost: Decimal | None, unpriced: int) -> Spent:
    return Spent(spent.usd + (cost or 0), spent.unpriced_calls + unpriced)


def _amount(name: str, given: Decimal | float | str | None) -> Decimal | None:
    if given is None:
        return None
    try:
        amount = Decimal(str(given))
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise InvalidInputError(f"expected {name} to be an amount of USD, 0 or more, found {given!r}")
    return amount
