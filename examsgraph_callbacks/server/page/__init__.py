"""The dashboard page: files that a browser loads, and nothing of which comes from elsewhere."""

from hashlib import blake2b
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

from examsgraph_callbacks.server.documentation import PAGE
from examsgraph_callbacks.server.pages import page_headers

__all__ = ["page_router"]

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# no script but the page's own runs, and nothing is asked of elsewhere
_HEADERS = page_headers("script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self'")


def page_router() -> APIRouter:
    """`/` and the files of the page under `/page/`. They hold no fact: what the page shows it asks for.

    The page asks beside itself, at `v1/mlflow/…`: wherever its router is mounted, the API's is to be too.
    """
    router = APIRouter()
    contents = _contents()

    @router.get("/", tags=["public"], response_model=None, responses=PAGE)
    async def dashboard(request: Request) -> Response:
        """The dashboard, for a browser; it asks for a token where one is needed."""
        return _file(contents, "index.html", request)

    @router.get("/page/{name:path}", include_in_schema=False)
    async def file(name: str, request: Request) -> Response:
        return _file(contents, name, request)

    return router


def _file(contents: dict[str, bytes], name: str, request: Request) -> Response:
    if name not in contents:
        raise HTTPException(404, "expected a file of the dashboard, there is none of that name")
    content = contents[name]
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {**_HEADERS, "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(None, 304, headers)
    return Response(content, 200, headers, _TYPES[f".{name.rpartition('.')[2]}"])


def _contents() -> dict[str, bytes]:
    """The files by their names, so that no other can be asked for."""
    folder = files(__name__)
    named = {
        **{each.name: each for each in folder.iterdir() if each.is_file()},
        **{f"vendor/{each.name}": each for each in (folder / "vendor").iterdir()},
    }
    return {
        name: each.read_bytes() for name, each in named.items() if f".{name.rpartition('.')[2]}" in _TYPES
    }
