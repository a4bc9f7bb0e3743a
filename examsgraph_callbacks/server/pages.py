"""The headers of every page that the server sends: what facts say stays text, whatever it looks like."""

from base64 import b64encode
from hashlib import sha256

from fastapi import Response

__all__ = ["page_headers", "page_response"]


def page_headers(*policy: str) -> dict[str, str]:
    """The headers of a page that may do what `policy` (CSP directives) says, and nothing else."""
    never = ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'")
    return {
        "Content-Security-Policy": "; ".join(("default-src 'none'", *policy, *never)),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def page_response(page: str, style: str) -> Response:
    """A page of one file, which loads nothing and has this one `<style>`, known by its hash."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    headers = page_headers(f"style-src 'sha256-{digest}'")
    headers["Cache-Control"] = "private, no-cache"
    return Response(page, 200, headers, "text/html; charset=utf-8")
