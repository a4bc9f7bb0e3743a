"""What is checked before a change lands: no answer, and nothing looked at, is no good answer."""

import shutil
import subprocess
from importlib.machinery import SourceFileLoader
from importlib.metadata import distribution
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

CHECKS = Path(__file__).resolve().parents[1] / ".ci"
pytestmark = pytest.mark.skipif(not CHECKS.is_dir(), reason="they come with a checkout alone")


@pytest.mark.parametrize("answer", [[], [{"name": "pytest", "skip_reason": "not found"}]])
def test_a_package_of_which_the_service_says_nothing_is_not_taken_for_safe(
    monkeypatch: pytest.MonkeyPatch, answer: list[dict[str, object]]
) -> None:
    loader = SourceFileLoader("dependencies", str(CHECKS / "dependencies"))
    spec = spec_from_loader("dependencies", loader)
    assert spec is not None
    checks: Any = module_from_spec(spec)
    loader.exec_module(checks)
    safe = [{"name": "pytest", "version": "1", "vulns": []}]
    of = {"pytest": distribution("pytest")}
    monkeypatch.setattr(checks, "ask_pypi", lambda asked: safe if "pip" in asked else answer)
    assert not checks.audited(of)
    monkeypatch.setattr(checks, "ask_pypi", lambda _asked: safe)
    assert checks.audited(of)


def test_where_nothing_can_be_looked_at_secrets_are_not_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    for name in ("secrets", "secrets.json"):
        shutil.copy(CHECKS / name, tmp_path / ".ci" / name)
    tool = tmp_path / "bin" / "detect-secrets-hook"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    path = f"{tool.parent}:/usr/local/bin:/usr/bin:/bin"
    ended = subprocess.run(
        [str(tmp_path / ".ci" / "secrets")],
        env={"PATH": path, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "found none" in ended.stderr
