"""The recorded answers of real providers, and the server that plays them to a real client."""

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

__all__ = ["SHARED", "recordings", "replay_server"]

SHARED = Path(__file__).resolve().parents[3] / "shared"
_RECORDINGS = SHARED / "data" / "llm_recordings" / "recordings.jsonl"


@cache
def recordings() -> tuple[dict[str, Any], ...]:
    """All recorded answers; none where they are not to be had beside the checkout."""
    if not _RECORDINGS.exists():
        return ()
    lines = _RECORDINGS.read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def replay_server() -> ModuleType:
    """The module that serves the recordings; skips the test where it is not to be had."""
    source = SHARED / "tools" / "replay_server.py"
    if not (source.exists() and _RECORDINGS.exists()):
        pytest.skip(f"the recorded answers are not there: expected {SHARED} beside the checkout")
    if "replay_server" not in sys.modules:
        spec = importlib.util.spec_from_file_location("replay_server", source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["replay_server"] = module
        spec.loader.exec_module(module)
    return sys.modules["replay_server"]
