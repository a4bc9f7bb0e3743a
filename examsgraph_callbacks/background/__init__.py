"""Shipping by itself: whoever writes a journal makes sure that it is shipped, and is not held up by it."""

from examsgraph_callbacks.background.starting import LOOK_AGAIN_SECONDS, make_sure_it_is_shipped, ship_by_hand

__all__ = ["LOOK_AGAIN_SECONDS", "make_sure_it_is_shipped", "ship_by_hand"]
