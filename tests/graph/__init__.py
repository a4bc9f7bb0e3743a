"""Tests of the graph part, against a real graph database."""

import pytest

pytest.register_assert_rewrite("tests.graph.served")
