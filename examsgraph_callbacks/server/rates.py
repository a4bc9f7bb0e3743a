"""How many requests a second each client may make, bursts included."""

import time
from collections import OrderedDict
from collections.abc import Callable

from examsgraph_callbacks.server.refusals import Refusal

__all__ = ["RateLimit"]

_CLIENTS_REMEMBERED = 10_000


class RateLimit:
    """Takes `per_second` requests a second from each client, and as many at once after a second's rest.

    Of the clients that asked last it remembers 10,000.
    """

    def __init__(self, per_second: float, monotonic_seconds: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = max(per_second, 1.0)
        self._monotonic_seconds = monotonic_seconds
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """Count one request of `client`; raises the `Refusal` that is due where it was one too many."""
        now = self._monotonic_seconds()
        left, since = self._left.get(client, (self._most, now))
        left = min(self._most, left + (now - since) * self._per_second)
        self._left[client] = (max(left - 1, 0.0) if left >= 1 else left, now)
        self._left.move_to_end(client)
        if len(self._left) > _CLIENTS_REMEMBERED:
            self._left.popitem(last=False)
        if left < 1:
            wait_seconds = max(1, round((1 - left) / self._per_second + 0.5))
            raise Refusal(
                429,
                f"expected at most {self._per_second:g} requests a second, got more: wait and send it again",
                headers={"Retry-After": str(wait_seconds)},
            )
