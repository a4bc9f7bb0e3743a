"""Figures as people read them: dollars, won, milliseconds, tokens."""

from decimal import ROUND_HALF_UP, Decimal

from examsgraph_callbacks.analytics import Cost

__all__ = [
    "cost_krw",
    "cost_usd",
    "counted",
    "duration",
    "one_line",
    "percent",
    "tokens",
    "usd_decimals",
]

UNKNOWN = "–"


def usd_decimals(total: Decimal | None) -> int:
    """How many decimals show a column of costs well whose total is `total` USD."""
    if total is None or total < 1:
        return 6
    return 4 if total < 100 else 2


def cost_usd(cost: Cost, decimals: int) -> str:
    """In USD; `≥` where some calls have no price, `unpriced` where none has one. Never 0 for little."""
    if cost.usd is None:
        return "unpriced" if cost.unpriced else UNKNOWN
    smallest = Decimal(1).scaleb(-decimals)
    if 0 < cost.usd < smallest:
        return _at_least(cost, f"<${smallest:f}")
    return _at_least(cost, f"${cost.usd:,.{decimals}f}")


def cost_krw(cost: Cost, krw_per_usd: float) -> str:
    """In whole won, half a won up; marked as `cost_usd` marks it."""
    if cost.usd is None:
        return "unpriced" if cost.unpriced else UNKNOWN
    won = cost.usd * Decimal(str(krw_per_usd))
    if 0 < won < 1:
        return _at_least(cost, "<₩1")
    return _at_least(cost, f"₩{won.quantize(Decimal(1), ROUND_HALF_UP):,}")


def duration(milliseconds: float | None) -> str:
    """In ms, from one second on in s."""
    if milliseconds is None:
        return UNKNOWN
    return f"{milliseconds / 1000:,.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def tokens(count: int | None) -> str:
    """A count with its thousands set off."""
    return UNKNOWN if count is None else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural but for one."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(share: float | None) -> str:
    """A share from 0 to 1; neither 0% for few nor 100% for nearly all."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def one_line(text: str | None, limit: int = 200) -> str:
    """Text from outside in one line of at most `limit` characters, without what steers a terminal."""
    if text is None:
        return UNKNOWN
    line = "".join(character if character.isprintable() else " " for character in text[: limit + 1])
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _at_least(cost: Cost, amount: str) -> str:
    return f"≥ {amount}" if cost.unpriced else amount
