"""No test leaves this machine: each of its thousands of clients reads one certificate instead of all."""

import os
import tempfile
from pathlib import Path

import certifi

_END = "-----END CERTIFICATE-----\n"
_kept: list[tempfile.TemporaryDirectory[str]] = []


def read_one_certificate() -> None:
    """Have httpx take one certificate for all, in subprocesses too: to read them takes 20 ms a client."""
    if "SSL_CERT_FILE" not in os.environ:
        _kept.append(tempfile.TemporaryDirectory(prefix="examsgraph-certificates-"))
        file = Path(_kept[0].name) / "one.pem"
        bundle = Path(certifi.where()).read_text(encoding="utf-8")
        file.write_text(bundle.partition(_END)[0] + _END, encoding="utf-8")
        os.environ["SSL_CERT_FILE"] = str(file)
