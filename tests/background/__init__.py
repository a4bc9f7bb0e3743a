"""Shipping by itself: nobody waits for it, nobody is surprised by it, and it goes when nobody writes."""
