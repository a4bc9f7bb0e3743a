"""Analytics: what a journal's facts amount to, worked out by hand."""
