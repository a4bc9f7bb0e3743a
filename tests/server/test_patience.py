"""A connection that does not come to the point is closed, and one that does is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from examsgraph_callbacks.server.patience import impatient_protocol

SECONDS = 0.2
ASKED = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    body = (await receive()).get("body", b"")
    while len(body) < 2:
        body += (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(app, http=impatient_protocol(SECONDS), lifespan="off", log_config=None)
    config.load()
    kind: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: kind(config=config, server_state=ServerState(), app_state={}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), 20) == b""
    except ConnectionResetError:
        return True


def test_one_that_says_nothing_is_closed() -> None:
    async def silent() -> None:
        async with connected() as (reader, _writer):
            assert await is_closed(reader)

    asyncio.run(silent())


def test_one_whose_head_drips_is_closed() -> None:
    async def dripping() -> None:
        async with connected() as (reader, writer):
            closed = asyncio.ensure_future(is_closed(reader))
            for byte in ASKED[:-2] + b"X-More: " + b"a" * 10_000:
                writer.write(bytes([byte]))
                await asyncio.wait([closed], timeout=SECONDS / 20)
                if closed.done():
                    break
            assert await closed

    asyncio.run(dripping())


def test_so_is_one_that_drips_after_it_was_answered() -> None:
    async def dripping_later() -> None:
        async with connected() as (reader, writer):
            writer.write(ASKED + b"ok")
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200")
            writer.write(ASKED[:20])
            assert await is_closed(reader)

    asyncio.run(dripping_later())


def test_one_whose_head_came_is_waited_for() -> None:
    async def slow() -> None:
        async with connected() as (reader, writer):
            for _ in range(2):
                writer.write(ASKED)
                # the body has a bound of its own
                done, _pending = await asyncio.wait(
                    [asyncio.ensure_future(reader.read(1))], timeout=2 * SECONDS
                )
                assert not done
                for waiting in _pending:
                    waiting.cancel()
                    await asyncio.wait([waiting])
                writer.write(b"ok")
                assert b"200" in await reader.readuntil(b"\r\n\r\nok")

    asyncio.run(slow())
