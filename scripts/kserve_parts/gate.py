"""Which requests a server is for."""

import asyncio
import contextlib
import re
from http import HTTPStatus

from fastapi.responses import JSONResponse

HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""What a request may call this machine."""
MAX_BODY = 64 * 2**20
"""Bytes of a request: a million points with all of their digits."""
_DISCARDED, _PATIENCE = 8, 30
"""Of a body that is too large, how many times the limit is taken in, and for how many seconds."""


class Gate:
    """Lets through what this server is for; the rest it refuses in a sentence.

    kserve would let anyone unload a model, a page in a browser too, and read bodies of any size.

    Args:
        app: What the requests are for.
        hosts: Names of this machine by which it may be asked, their ports left out: a name that
            another site's page has led here is none.
        max_body: Bytes of a request's body, at most.
    """

    def __init__(self, app, hosts, max_body):
        self.app, self.hosts, self.max_body = app, {without_port(host) for host in hosts}, max_body

    async def __call__(self, scope, receive, send):
        """Answer or pass on a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        refused = self.refusal(scope["method"], scope["path"], headers)
        body, parts = bytearray(), parts_of(receive)
        try:
            while refused is None and (part := await anext(parts, None)) is not None:
                body += part
                refused = self.too_large() if len(body) > self.max_body else None
            # A client that waits to be told to send its body needs the answer alone.
            if refused == self.too_large() and (body or "expect" not in headers):
                await self.discard(parts)
        except ConnectionError:
            return None  # nobody is there to answer
        if refused:
            status, sentence = refused
            return await JSONResponse({"error": sentence}, status)(scope, receive, send)
        if scope["method"] == "HEAD":  # uvicorn leaves out the body
            scope = {**scope, "method": "GET"}
        messages = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def given():
            return messages.pop() if messages else await receive()

        return await self.app(scope, given, send)

    async def discard(self, parts):
        """Take in what a client is still sending, in bounds.

        It reads no answer before it has sent all, and a connection that ends with parts unread is
        reset.
        """
        left = _DISCARDED * self.max_body
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                async for part in parts:
                    left -= len(part)
                    if left < 0:
                        break

    def refusal(self, method, path, headers):
        """Status and sentence for a request that is not let through, or None."""
        host = without_port(headers.get("host", "localhost"))
        if host not in self.hosts:
            return HTTPStatus.FORBIDDEN, f"{host} is not a name of this server (--allow-host)"
        is_predict = re.fullmatch(r"/v1/models/[^/]+(/versions/[^/]+)?:predict", path)
        if method not in ("GET", "HEAD") and not (is_predict and method == "POST"):
            sentence = f"{path} takes no {method}: POST to /v1/models/NAME:predict"
            return HTTPStatus.FORBIDDEN, sentence
        length = headers.get("content-length", "0")
        return self.too_large() if length.isdecimal() and int(length) > self.max_body else None

    def too_large(self):
        """Status and sentence for a body that is."""
        sentence = f"a request has at most {self.max_body} bytes (--max-body)"
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence


def without_port(host):
    """The name in lower case that a request gives a machine, of "Name:80" too."""
    return re.sub(r":\d*$", "", host).lower()


async def parts_of(receive):
    """The parts of a request's body.

    Raises:
        ConnectionError: If the client leaves midway.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        more = message.get("more_body", False)
        yield message.get("body", b"")
