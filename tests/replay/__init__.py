"""Tests of recordings, and of what is played from them."""
