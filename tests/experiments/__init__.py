"""Promises of the experiments: hand out, compare, decide."""
