"""Schemathesis sends what the live OpenAPI allows and what it does not: no 500, every answer as declared."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.measure.facts import show
from tests.server.served import serving

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,ignored_auth,unsupported_method"
)


@pytest.mark.parametrize(
    ("phases", "examples", "least"),
    [
        ("examples,fuzzing", 2, 50),
        pytest.param(
            "examples,coverage,fuzzing", 100, 1000, marks=[pytest.mark.soak, pytest.mark.timeout(900)]
        ),
    ],
)
def test_every_answer_is_as_declared(tmp_path: Path, phases: str, examples: int, least: int) -> None:
    # 413 is a refusal too, which schemathesis does not know as one
    unlimited = {"api_requests_per_second": "1e9", "api_body_limit": "100000000"}
    with serving(tmp_path, **unlimited, api_tokens="write:w,read:r,both") as served:
        command = [str(Path(sys.executable).with_name("st")), "run", f"{served.url}/openapi.json"]
        command += ["--header", "Authorization: Bearer both", "--checks", CHECKS, "--seed", "1"]
        command += ["--max-examples", str(examples), "--phases", phases]
        ended = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
            capture_output=True,
            check=False,
            timeout=800,
            text=True,
        )
        log = served.log.read_text()
    summary = ended.stdout[ended.stdout.rfind("= SUMMARY") :]
    show(summary)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr
    assert int(re.findall(r"(\d+) generated", summary)[0]) > least, "it has sent something"
    assert "Traceback" not in log
