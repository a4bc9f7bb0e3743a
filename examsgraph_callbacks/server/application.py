"""The API as an application of its own, and the server that runs it."""

import gc
import sys
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.server.access import is_loopback
from examsgraph_callbacks.server.page import page_router
from examsgraph_callbacks.server.patience import impatient_protocol
from examsgraph_callbacks.server.refusals import Refusal
from examsgraph_callbacks.server.routes import PUBLIC, api_router
from examsgraph_callbacks.server.service import Service

__all__ = ["application", "serve"]

_ABOUT = """Explorations, prompts, feedback and costs of a GraphRAG tutor: reported, and answered for."""


def application(service: Service | None = None) -> FastAPI:
    """The API as an ASGI application, for `uvicorn` and its like; of the configured journal by default."""
    service = service or Service()
    # its documentation pages would load scripts from elsewhere
    app = FastAPI(
        title="ExamsGraph", version=service.version, description=_ABOUT, docs_url=None, redoc_url=None
    )
    app.include_router(api_router(service))
    app.include_router(page_router())
    app.add_exception_handler(HTTPException, _refused)
    _document_tokens(app)
    return app


def serve(
    service: Service,
    host: str | None = None,
    port: int | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, at the configured place unless another is given.

    `tell` is called once with where, and whom it lets in. Raises `InvalidInputError`, and serves nothing,
    where no tokens are set and the place can be reached from other machines.
    """
    import uvicorn

    host = host or service.settings.api_host
    port = service.settings.api_port if port is None else port
    if service.access.is_open and not is_loopback(host):
        raise InvalidInputError(
            f"expected EXAMSGRAPH_API_TOKENS to be set for a server that others can reach, got host {host} "
            "and no tokens: set them, or serve 127.0.0.1",
        )
    shown = f"[{host}]" if ":" in host else host
    tell(f"Serving {service.tracker.journal.path} at http://{shown}:{port}/v1/mlflow")
    tell(f"Its dashboard: http://{shown}:{port}/")
    if service.access.is_open:
        tell("No tokens are set (EXAMSGRAPH_API_TOKENS): only this machine is let in.")
    # a question in its thread gives way to reports after 1 ms, and not after 5
    sys.setswitchinterval(0.001)
    app = application(service)
    # what is there by now stays: to look through it for garbage would hold up some request for its length
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=impatient_protocol(),
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )


def _document_tokens(app: FastAPI) -> None:
    """Have OpenAPI say that all but what is public asks for a bearer token."""
    described: dict[str, Any] = app.openapi()
    described["components"] = {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}}
    described["security"] = [{"bearer": []}]
    for methods in described["paths"].values():
        for operation in methods.values():
            if PUBLIC in operation.pop("tags", ()):
                operation["security"] = []


async def _refused(_request: Request, error: Exception) -> Response:
    """What FastAPI itself refuses (an unknown path, another method), in our shape."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    return Refusal(error.status_code, str(error.detail), headers=error.headers).response()
