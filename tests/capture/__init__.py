"""Capture: context, content, usage and open runs."""
