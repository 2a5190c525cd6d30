"""Which requests a server is for."""

import re
from http import HTTPStatus

from fastapi.responses import JSONResponse

HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""What a request may call this machine."""
MAX_BODY = 64 * 2**20
"""Bytes of a request: a million points with all of their digits."""


class Gate:
    """Lets through what this server is for; the rest it refuses in a sentence.

    kserve would let anyone unload a model, a page in a browser too, and read bodies of any size.

    Args:
        app: What the requests are for.
        hosts: Names of this machine by which it may be asked: a name that another site's page has
            led here is none.
        max_body: Bytes of a request's body, at most.
    """

    def __init__(self, app, hosts, max_body):
        self.app, self.hosts, self.max_body = app, {host.lower() for host in hosts}, max_body

    async def __call__(self, scope, receive, send):
        """Answer or pass on a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        refused = self.refusal(scope["method"], scope["path"], headers)
        body, more = bytearray(), refused is None
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None  # nobody is there to answer
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_body:
                refused, more = self.too_large(), False
        if refused:
            status, sentence = refused
            return await JSONResponse({"error": sentence}, status)(scope, receive, send)
        if scope["method"] == "HEAD":  # uvicorn leaves out the body
            scope = {**scope, "method": "GET"}
        parts = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def given():
            return parts.pop() if parts else await receive()

        return await self.app(scope, given, send)

    def refusal(self, method, path, headers):
        """Status and sentence for a request that is not let through, or None."""
        host = re.sub(r":\d*$", "", headers.get("host", "localhost")).lower()
        if host not in self.hosts:
            return HTTPStatus.FORBIDDEN, f"{host} is not a name of this server (--allow-host)"
        is_predict = re.fullmatch(r"/v1/models/[^/]+(/versions/[^/]+)?:predict", path)
        if method not in ("GET", "HEAD") and not is_predict:
            sentence = f"{path} takes no {method}: ask /v1/models/NAME:predict"
            return HTTPStatus.FORBIDDEN, sentence
        length = headers.get("content-length", "0")
        return self.too_large() if length.isdecimal() and int(length) > self.max_body else None

    def too_large(self):
        """Status and sentence for a body that is."""
        sentence = f"a request has at most {self.max_body} bytes (--max-body)"
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence
