"""Benchmarks: they print timings and judge nothing; run with  pytest -m benchmark -s  or as modules."""
