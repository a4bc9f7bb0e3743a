"""Tests of the graph part, against a real graph database."""
