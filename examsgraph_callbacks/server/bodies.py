"""Reads a request's body within its bounds, and what it reports."""

import asyncio
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from examsgraph_callbacks.server.refusals import Refusal, refusal_of_field
from examsgraph_callbacks.tracker import first_problem

__all__ = ["read_report"]

ReportT = TypeVar("ReportT", bound=BaseModel)

_SECONDS = 10.0  # for a body to arrive


async def read_report(request: Request, kind: type[ReportT], limit_bytes: int) -> ReportT:
    """The report in the body; raises the `Refusal` that is due where there is none.

    JSON nested deeper than 200 levels is refused by the parser, which reads no further.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        # a form of a page in a browser cannot say this of itself
        raise Refusal(415, "expected Content-Type: application/json")
    body = await _read(request, limit_bytes)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        unreadable = error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid"
        raise refusal_of_field(first_problem(error, kind), 400 if unreadable else 422) from None


async def _read(request: Request, limit_bytes: int) -> bytes:
    """The body as it arrives; one that is said to be too large is not waited for."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit_bytes:
        raise _too_large(limit_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit_bytes:
                    raise _too_large(limit_bytes)
                chunks.append(chunk)
    except TimeoutError:
        raise Refusal(408, f"expected the body within {_SECONDS:g} seconds") from None
    return b"".join(chunks)


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(413, f"expected a body of at most {limit_bytes:,} bytes: send less at a time")
