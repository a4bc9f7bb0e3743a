"""The HTTP API of the product's document: a server of its own, or a router for a FastAPI application."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import MissingExtraError

try:
    import fastapi as _  # noqa: F401
    import prometheus_client as _metrics  # noqa: F401
except ImportError as error:
    raise MissingExtraError(error.name or "fastapi", "server") from error

from examsgraph_callbacks.server.application import application, serve
from examsgraph_callbacks.server.page import page_router
from examsgraph_callbacks.server.routes import api_router
from examsgraph_callbacks.server.service import Service

if TYPE_CHECKING:
    from fastapi import APIRouter

    router: APIRouter

__all__ = ["Service", "api_router", "application", "page_router", "router", "serve"]


def __getattr__(name: str) -> object:
    """The router of the configured journal, made when it is first asked for."""
    if name != "router":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    configured = globals()["router"] = api_router()
    return configured
