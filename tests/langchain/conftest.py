"""Assertions of the helpers explain themselves as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.langchain.ledger")
