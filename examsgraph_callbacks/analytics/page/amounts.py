"""Numbers as the page writes them; what is not known is a dash."""

from decimal import Decimal

__all__ = ["UNKNOWN", "count", "krw", "milliseconds", "share", "usd"]

UNKNOWN = "–"


def count(number: int | None) -> str:
    """1,234."""
    return UNKNOWN if number is None else f"{number:,}"


def krw(amount: Decimal | None) -> str:
    """₩1,234; small amounts with as many decimals as show them."""
    if amount is None:
        return UNKNOWN
    return f"{'-' if amount < 0 else ''}₩{abs(amount):,.{0 if abs(amount) >= 100 else 2}f}"


def usd(amount: Decimal | None) -> str:
    """$12.34, $0.0012."""
    if amount is None:
        return UNKNOWN
    return f"${amount:,.{2 if abs(amount) >= 1 or not amount else 4}f}"


def milliseconds(duration: float | None) -> str:
    """450 ms, 3.2 s."""
    if duration is None:
        return UNKNOWN
    return f"{duration:,.0f} ms" if duration < 1000 else f"{duration / 1000:,.1f} s"


def share(part: float | None) -> str:
    """12%, 0.4%."""
    if part is None:
        return UNKNOWN
    return f"{part:.0%}" if part >= 0.095 or not part else f"{part:.1%}"
