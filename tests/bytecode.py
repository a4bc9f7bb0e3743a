"""What tests import is compiled once and not in each of the hundreds of interpreters that they start."""

import os
import sys

import pytest


def keep_bytecode(config: pytest.Config) -> None:
    """Keep it in pytest's cache where Python is told to keep none beside the sources (as in many images)."""
    cache = getattr(config, "cache", None)
    if not sys.dont_write_bytecode or cache is None:
        return
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(cache.mkdir("bytecode"))
    sys.dont_write_bytecode = False
