"""The examples run as they stand."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "examples" / "test_recorded_lesson.py"


def test_the_recorded_lesson_is_played_without_key_or_network(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(LESSON)],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(ROOT),
            **{name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "NEO4J"))},
            # by name, and not twice where the package is installed
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "examsgraph_callbacks.pytest_plugin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in ended.stdout, ended.stdout
