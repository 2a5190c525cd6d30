"""Which requests scripts/serve_kserve.py lets through."""

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("tests.export.conftest")  # which makes the scripts' parts known

from kserve_parts import gate
from kserve_parts.gate import HOSTS, Gate

PREDICT = "/v1/models/shapes:predict"


def asked(
    method="POST", path=PREDICT, headers=(), parts=(b"{}",), cut=False, silent=False, **settings
):
    """Status and body of the answer (None if there is none), and what the application got."""
    got, sent = [], []
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if not cut:
        messages.append({"type": "http.request", "body": b""})
    messages.append({"type": "http.disconnect"})

    async def app(scope, receive, send):
        got.append((scope["method"], (await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive():
        if silent and len(messages) <= 2:
            await asyncio.sleep(600)
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    headers = [(key.encode(), value.encode()) for key, value in dict(headers).items()]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    guarded = Gate(app, settings.get("hosts", HOSTS), settings.get("max_body", 100))
    asyncio.run(guarded(scope, receive, send))
    if not sent:
        return None, None, got
    return sent[0]["status"], json.loads(sent[1]["body"]), got


def test_predict_requests_pass():
    status, _, got = asked(parts=(b'{"instances"', b": []}"))
    assert (status, got) == (200, [("POST", b'{"instances": []}')])
    assert asked(path="/v1/models/shapes/versions/1:predict")[0] == 200
    assert asked("GET", "/v1/models/shapes", parts=())[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v2/repository/models/shapes/unload",
        "/v2/repository/models/shapes/load",
        "/v2/models/shapes/infer",
        "/v1/models/shapes:explain",
        "/v1/models/shapes",
    ],
)
def test_nothing_else_is_done_for_anyone(path):
    """Models could be unloaded, also by a web page."""
    status, answer, got = asked(path=path, headers={"origin": "http://evil.example"})
    assert (status, got) == (403, [])
    assert answer == {"error": f"{path} takes no POST: POST to /v1/models/NAME:predict"}


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH"])
def test_predictions_are_posted(method):
    status, answer, got = asked(method)
    assert (status, got) == (403, [])
    assert answer["error"].startswith(f"{PREDICT} takes no {method}: POST to ")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:80"])
def test_own_names_pass(host):
    assert asked(headers={"host": host})[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "localhost.evil.example"])
def test_other_names_are_refused(host):
    status, answer, got = asked("GET", "/v1/models", headers={"host": host})
    assert (status, got) == (403, [])
    assert "is not a name of this server (--allow-host)" in answer["error"]
    assert asked(headers={"host": host}, hosts=[*HOSTS, host.partition(":")[0]])[0] == 200


@pytest.mark.parametrize("allowed", ["proxy.example:80", "Proxy.Example:8501"])
def test_names_are_allowed_with_a_port_too(allowed):
    assert asked(headers={"host": "proxy.example"}, hosts=[allowed])[0] == 200
    assert asked(headers={"host": "proxy.example:8501"}, hosts=[allowed])[0] == 200


def test_bodies_have_a_bound():
    """Whether their size is announced or not."""
    expected = {"error": "a request has at most 100 bytes (--max-body)"}
    assert asked(headers={"content-length": "101"}, parts=()) == (413, expected, [])
    assert asked(parts=(b" " * 60, b" " * 60)) == (413, expected, [])
    assert asked(headers={"content-length": "100"}, parts=(b" " * 100,))[0] == 200


@pytest.fixture
def gate_address():
    """Address of a server with a gate for bodies of up to a MiB."""
    uvicorn = pytest.importorskip("uvicorn")

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    config = uvicorn.Config(Gate(app, HOSTS, 2**20), lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    with socket.socket() as address:
        address.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([address],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{address.getsockname()[1]}"
        server.should_exit = True
        thread.join(60)


@pytest.mark.parametrize("announced", [True, False])
def test_clients_that_send_too_much_read_why(gate_address, announced):
    """They got a reset connection, as they were still sending."""
    body = b" " * (7 * 2**20)
    request = urllib.request.Request(
        gate_address + PREDICT, body if announced else iter([body[: 2**20]] * 7)
    )
    with pytest.raises(urllib.error.HTTPError, match="413") as caught:
        urllib.request.urlopen(request, timeout=60)
    with caught.value as answer:
        assert json.load(answer) == {"error": "a request has at most 1048576 bytes (--max-body)"}


def test_what_is_discarded_has_a_bound(monkeypatch):
    assert asked(parts=[b" " * 100] * 20, silent=True)[0] == 413
    monkeypatch.setattr(gate, "_PATIENCE", 0.01)
    length = {"content-length": "101"}
    assert asked(headers=length, parts=[b" "], silent=True)[0] == 413
    # Nothing comes before the answer.
    expecting = {**length, "expect": "100-continue"}
    monkeypatch.setattr(gate, "_PATIENCE", 30)
    assert asked(headers=expecting, parts=[], silent=True)[0] == 413


def test_a_client_that_leaves_midway():
    assert asked(parts=(b'{"instan',), cut=True) == (None, None, [])


def test_heads_are_answered_as_what_they_are_the_head_of():
    assert asked("HEAD", "/v1/models/shapes", parts=())[2] == [("GET", b"")]
