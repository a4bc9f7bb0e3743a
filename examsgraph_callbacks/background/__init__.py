"""Shipping by itself: whoever writes a journal makes sure that it is shipped, and is not held up by it."""

from examsgraph_callbacks.lazy import lazy_names

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from examsgraph_callbacks.background.starting import make_sure_it_is_shipped, ship_by_hand

__all__ = ["make_sure_it_is_shipped", "ship_by_hand"]

# at first use: `examsgraph run` needs no more than its helper
__getattr__ = lazy_names(__name__, dict.fromkeys(__all__, "starting"))
