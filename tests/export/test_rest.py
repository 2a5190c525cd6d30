"""The example client against KServe's real HTTP server, which runs the export in C++."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csnn_tf.export import ExportOptions
from tests.export.conftest import CLASSES, HERE, script, serving
from tests.helpers import clouds, relative

ROOT = HERE.parents[1]
SCRIPT = ROOT / "scripts" / "client_rest.py"


@pytest.fixture(scope="module")
def client():
    return script("client_rest")


@pytest.fixture(scope="module")
def server():
    """The server's script, which takes the command line when it is imported."""
    pytest.importorskip("kserve")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [*sys.argv])
        return script("serve_kserve")


@pytest.fixture(scope="module")
def array(server):
    """What it makes of an input."""
    return server.array


def test_fifty_requests_at_once(exported, kserve_url, client):
    sizes = [10 + 3 * (place % 5) for place in range(50)]
    requests = [[clouds(1, size, place)[0]] for place, size in enumerate(sizes)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(
                lambda request: client.predict(kserve_url, "shapes", [request[0].tolist()]),
                requests,
            )
        )
    expected = np.concatenate(
        [
            exported.model.probabilities(np.stack([r[0] for r in requests if len(r[0]) == size]))
            for size in sorted(set(sizes))
        ]
    )
    order = np.argsort(sizes, kind="stable")
    found = [answers[place][0]["probabilities"] for place in order]
    assert relative(found, expected) < 1e-5
    for (answer,) in answers:
        best = int(np.argmax(answer["probabilities"]))
        assert answer["classes"][0] == CLASSES[best]
        assert answer["scores"][0] == pytest.approx(answer["probabilities"][best])


@pytest.mark.parametrize("signature", ["logits", "embedding"])
def test_clouds_of_different_sizes(exported, kserve_url, client, signature):
    different = [clouds(1, size, size)[0] for size in (12, 5, 30)]
    answers = client.predict(
        kserve_url, "shapes", [cloud.tolist() for cloud in different], signature
    )
    assert relative(answers, getattr(exported, signature)(different)) < 1e-5


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "points"),
        ([[1.0, 2.0]], "points_must_be_batch_points_3"),
        ([1.0, 2.0, 3.0], "points_must_be_batch_points_3"),
        ([[float("nan")] * 3], "points|JSON|json"),
        ([[1e31, 0.0, 0.0]], "points: coordinates must be finite"),
    ],
)
def test_bad_requests_and_then_a_good_one(kserve_url, client, bad, message):
    with pytest.raises(RuntimeError, match=rf"the server answered 4\d\d: .*({message})"):
        client.predict(kserve_url, "shapes", [bad])
    assert len(client.predict(kserve_url, "shapes", [[[0.0, 0.0, 1.0]]])) == 1


@pytest.fixture
def other_server():
    """Address of a server that answers each request with the bytes that it is given."""
    answers = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(answers.pop())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()


@pytest.fixture
def arguments(tmp_path):
    """Arguments of the client of a name, with a file that it takes."""

    def of(name, url):
        content = "0 0 1" if name == "client_rest" else "1\n\nC 0 0 0\n"
        (tmp_path / "file.xyz").write_text(content)
        return ["--url", url, "--model", "a b", str(tmp_path / "file.xyz")]

    return of


_OK = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize("name", ["client_rest", "client_dos"])
@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n{",
        _OK + b"{}",
        _OK + b"[]",
        _OK + b"hello",
        _OK + b"\x80",
        _OK + b"[" * 100_000,
        _OK + b"null",
    ],
)
def test_servers_that_are_not_one(other_server, arguments, name, answer):
    url, answers = other_server
    answers.append(answer)
    with pytest.raises(SystemExit, match=f"^{name}: {url} answers unlike TensorFlow Serving: "):
        script(name).main(arguments(name, url))


@pytest.mark.parametrize("name", ["client_rest", "client_dos"])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"\r\n<p>\n  No such\n</p>\n", "<p> No such </p>"),
        (b"Content-Length: 99\r\n\r\nNo su", "No su"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nNo su\r\n6\r\nch", "No su"),
        (b"\r\n", ""),
    ],
)
def test_refusals_take_one_line(other_server, arguments, name, answer, message):
    """However long the server's page is, and however much of it arrives."""
    url, answers = other_server
    answers.append(b"HTTP/1.1 404 Not Found\r\n" + answer)
    with pytest.raises(SystemExit) as refused:
        script(name).main(arguments(name, url))
    assert str(refused.value) == f"{name}: the server answered 404: {message}"


@pytest.mark.parametrize("name", ["client_rest", "client_dos"])
def test_an_answer_that_stops_coming(other_server, arguments, name, monkeypatch):
    """The address is named by failures after the request was sent, too."""
    url, answers = other_server
    answers.append(_OK)
    timeout = Mock(side_effect=TimeoutError("timed out"))
    monkeypatch.setattr(http.client.HTTPResponse, "read", timeout)
    with pytest.raises(SystemExit) as ended:
        script(name).main(arguments(name, url))
    assert str(ended.value) == f"{name}: {url} does not answer: timed out"


@pytest.mark.parametrize("name", ["client_rest", "client_dos"])
@pytest.mark.parametrize("url", ["http://a b", "http://localhost:port", "http://localhost/é"])
def test_addresses_that_are_none(arguments, name, url):
    with pytest.raises(SystemExit, match=f"^{name}: {url} is not an address: "):
        script(name).main(arguments(name, url))


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        ("client_rest", b'{"predictions": null}', "not one answer for each cloud"),
        ("client_rest", b'{"predictions": []}', "not one answer for each cloud"),
        ("client_dos", b'{"outputs": {"energies": [], "dos": 1}}', "without a row for each"),
        ("client_dos", b'{"outputs": {"energies": [], "dos": []}}', "without a row for each"),
        ("client_dos", b'{"outputs": [[0.5]]}', "is not a model of densities of states"),
    ],
)
def test_answers_of_another_size(other_server, arguments, name, answer, message):
    url, answers = other_server
    answers.append(_OK + answer)
    with pytest.raises(SystemExit, match=f"^{name}: .*{message}"):
        script(name).main(arguments(name, url))


@pytest.mark.parametrize("damage", ["port", "model"])
def test_kserve_ends_with_a_sentence(exported, tmp_path, damage):
    """A port that is taken, and a version that cannot be read."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        folder = exported.folder
        if damage == "model":
            folder, port = tmp_path, 0
            (tmp_path / "name" / "3").mkdir(parents=True)
            (tmp_path / "name" / "3" / "saved_model.pb").write_bytes(b"\x80")
        command = [sys.executable, ROOT / "scripts" / "serve_kserve.py", folder]
        command += ["--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    expected = {
        "port": f"serve_kserve: port {port} is taken: choose one with --port",
        "model": f"serve_kserve: {tmp_path / 'name' / '3'} cannot be read: ",
    }
    assert last.startswith(expected[damage])
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("port", [-1, 65536, 10**20])
def test_ports_that_are_none(server, port):
    message = rf"^serve_kserve: port {port} cannot be had \(.*\): choose one with --port$"
    with pytest.raises(SystemExit, match=message):
        server.bound(port)


def test_a_port_is_kept_while_models_are_loaded(server):
    with server.bound(0) as kept:
        port = kept.getsockname()[1]
        with server.bound(port) as another:  # Linux allows this as long as nobody listens
            another.listen()
            with (
                pytest.raises(SystemExit, match=f"port {port} is taken"),
                server.ending(kept, port),
            ):
                kept.listen()


def test_kserve_is_not_installed(monkeypatch):
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    monkeypatch.setitem(sys.modules, "kserve", None)
    with pytest.raises(SystemExit, match="^serve_kserve: pip install kserve first: "):
        script("serve_kserve")


def test_unknown_model_and_no_server(kserve_url, client):
    with pytest.raises(RuntimeError, match="404"):
        client.predict(kserve_url, "another", [[[0.0, 0.0, 1.0]]])
    with pytest.raises(urllib.error.URLError):
        client.predict("http://127.0.0.1:9", "shapes", [[[0.0, 0.0, 1.0]]])


def test_command_line(exported, kserve_url, tmp_path):
    different = [clouds(1, size, size)[0] for size in (20, 31)]
    np.savetxt(tmp_path / "blanks.xyz", different[0], header="x y z")
    np.savetxt(tmp_path / "commas.csv", np.c_[different[1], np.ones(31)], delimiter=",")
    command = [sys.executable, SCRIPT, "--url", kserve_url, "--model", "shapes"]
    command += [tmp_path / "blanks.xyz", tmp_path / "commas.csv"]
    answers = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    expected = exported.probabilities(different)
    np.testing.assert_allclose([a["probabilities"] for a in answers], expected, atol=1e-5)

    (tmp_path / "blanks.xyz").write_text("1e31 0 0\n")
    failed = subprocess.run(command, check=False, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.startswith("client_rest: the server answered")
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80solid", "cloud.xyz is not a text file of x y z a line: "),
        (b"0 0 1\n2 3", "cloud.xyz is not a text file of x y z a line$"),
        (b"# nothing", "cloud.xyz is not a text file of x y z a line$"),
        (b"0 0 1", "http://127.0.0.1:9 does not answer: .*refused"),
    ],
)
def test_the_file_or_the_address_is_named(client, tmp_path, content, message):
    (tmp_path / "cloud.xyz").write_bytes(content)
    with pytest.raises(SystemExit, match=f"^client_rest: .*{message}"):
        client.main(["--url", "http://127.0.0.1:9", "--model", "any", str(tmp_path / "cloud.xyz")])


def test_the_address_has_a_scheme(client, tmp_path, capsys):
    with pytest.raises(SystemExit):
        client.main(["--url", "localhost:8501", "--model", "any", str(tmp_path / "cloud.xyz")])
    assert "--url begins with http:// or https://, unlike localhost:8501" in capsys.readouterr().err


def test_documentation(kserve_url, client, tmp_path, monkeypatch, capsys):
    """The cloud that docs/serving.md makes, sent as it says."""
    text = (ROOT / "docs" / "serving.md").read_text("utf-8")
    code = text.split("```python\n", 1)[1].split("```", 1)[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "cone.py", "exec"), {})
    request = urllib.request.Request(
        f"{kserve_url}/v1/models/shapes:predict",
        (tmp_path / "request.json").read_bytes(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        (answer,) = json.load(response)["predictions"]
    assert set(answer) == {"probabilities", "classes", "scores"}
    client.main(["--url", kserve_url, "--model", "shapes", "cone.xyz"])
    assert json.loads(capsys.readouterr().out) == [answer]


def _as_curl_sends(url, body, model="shapes"):
    """The answer to a request that does not say that it is JSON."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    address, data = f"{url}/v1/models/{model}:predict", json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=60) as it:
        return json.load(it)


def test_readme(exported, tmp_path, capsys):
    """What the README says to do without Docker, step by step, with a smaller model."""
    text = (ROOT / "README.md").read_text("utf-8").split("## Serve it", 1)[1].split("\n## ", 1)[0]
    assert "python scripts/serve_kserve.py serving\n" in text
    assert "python scripts/client_rest.py --model modelnet40_small_so3 cone.xyz\n" in text
    cone = text.split("<<'CONE' > cone.xyz\n", 1)[1].split("CONE\n", 1)[0]
    done = subprocess.run([sys.executable, "-c", cone], check=True, capture_output=True)
    (tmp_path / "cone.xyz").write_bytes(done.stdout)
    command = [sys.executable, ROOT / "scripts" / "serve_kserve.py", exported.folder]
    client = script("client_rest")
    server = contextmanager(serving)([*command, "--port", "{port}"], "shapes", tmp_path / "log")
    with server as url:
        client.main(["--url", url, "--model", "shapes", str(tmp_path / "cone.xyz")])
        with pytest.raises(RuntimeError, match="answered 4.*points: coordinates must be finite"):
            client.predict(url, "shapes", [[[1e31, 0.0, 0.0]]])
        with pytest.raises(RuntimeError, match="no signature 'nope', only .*logits"):
            client.predict(url, "shapes", [[[0.0, 0.0, 1.0]]], "nope")
        with pytest.raises(RuntimeError, match="answered 404.*shaeps does not exist"):
            client.predict(url, "shaeps", [[[0.0, 0.0, 1.0]]])
        cloud = [[[0.0, 0.0, 1.0]]]
        (alike,) = _as_curl_sends(url, {"instances": cloud})["predictions"]
        for given in (cloud, {"points": cloud}):
            columns = _as_curl_sends(url, {"inputs": given, "signature_name": ""})["outputs"]
            assert {key: [value] for key, value in alike.items()} == columns
        logits = {"signature_name": "logits"}
        in_rows = _as_curl_sends(url, {"instances": cloud, **logits})["predictions"]
        body = {"instances": cloud, **logits}
        assert _as_curl_sends(url, body, "shapes/versions/1")["predictions"] == in_rows
        for unknown in ("shapes/versions/2", "shaeps/versions/1", "shapes/versions/one"):
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                _as_curl_sends(url, body, unknown)
            refused.value.close()
        # One output comes without its name.
        assert _as_curl_sends(url, {"inputs": cloud, **logits})["outputs"] == in_rows
        padded = {"signature_name": "padded"}
        for body, message in (
            ({"instances": []}, "at least one entry"),
            ({"nothing": 1}, "a request is"),
            ({"inputs": {"numbers": [6]}}, "inputs must be points, not numbers"),
            ({"inputs": {}}, "inputs must be points, not none"),
            ({"inputs": cloud, "instances": cloud}, "a request is either"),
            ({"inputs": cloud, **padded}, "the inputs lengths, points must be given by name"),
            ({"instances": cloud, **padded}, "the inputs lengths, points must be given by name"),
            ({"inputs": cloud, "signature_name": ["logits"]}, "must be a string"),
            ({"instances": [cloud[0], 2 * cloud[0]]}, "signature padded"),
            ({"instances": [{"points": cloud[0]}, cloud[0]]}, "must name the same inputs"),
            (
                {"inputs": {"points": cloud, "lengths": [1, 50.7]}, **padded},
                "lengths must be whole numbers: got 50.7",
            ),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                _as_curl_sends(url, body)
            with refused.value as error:
                assert error.code == 400
                assert message in error.read().decode()
    log = (tmp_path / "log").read_text()
    assert f"{url}/v1/models/shapes:predict\n".replace("127.0.0.1", "localhost") in log
    assert "refused: ValueError: instances must be a list with at least one entry" in log
    assert "refused: Model with name shaeps does not exist." in log
    assert "refused: Model with name shapes and version 2 does not exist." in log
    assert "Traceback" not in log
    assert "{{node" not in re.sub("^.*refused: .*$", "", log, flags=re.M)
    (answer,) = json.loads(capsys.readouterr().out)
    points = np.loadtxt(tmp_path / "cone.xyz", np.float32)
    np.testing.assert_allclose(
        answer["probabilities"], exported.probabilities([points])[0], atol=1e-5
    )
    assert answer["classes"][0] == CLASSES[int(np.argmax(answer["probabilities"]))]


_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_FLOATS = st.floats(allow_nan=False)
_STRANGE = [None, "1", True, 1, 1.0, {}]
_TAKEN = {"points": (int, float), "positions": (int, float), "numbers": (int,), "pbc": (bool,)}


@settings(deadline=None)
@given(_INTEGERS | _FLOATS, st.lists(st.just([1, 2, 3]), max_size=3))
def test_inputs_become_what_json_says(array, number, rows):
    assert array("pbc", [[True, False]]).tolist() == [[True, False]]
    assert array("points", rows).tolist() == rows
    assert array("positions", [number]).tolist() == [float(number)]
    if isinstance(number, int):
        assert array("numbers", [number]).tolist() == [number]


@pytest.mark.parametrize("strange", _STRANGE, ids=repr)
@pytest.mark.parametrize("key", _TAKEN)
def test_inputs_of_another_type_are_named(array, key, strange):
    """The one among many that is of another type, in JSON's words."""
    taken = _TAKEN[key]
    if type(strange) in taken:
        assert array(key, [strange]) == [strange]
        return
    message = f"^{key} must be [a-z ]*: got {re.escape(json.dumps(strange))}$"
    for value in (strange, [strange], [[taken[0](1)], [strange]]):
        with pytest.raises(ValueError, match=message):
            array(key, value)


@pytest.mark.parametrize("value", [[[1], [1, 2]], [1, [1]], [[[1], [1]], [[1]]]])
def test_inputs_of_uneven_rows_are_named(array, value):
    with pytest.raises(ValueError, match="^numbers must be whole numbers in rows of one length$"):
        array("numbers", value)
    with pytest.raises(ValueError, match=r"in rows of one length \(clouds.* signature padded\)$"):
        array("points", value)


@pytest.mark.parametrize(("key", "value"), [("numbers", 2**63), ("points", 10**400)])
def test_numbers_that_do_not_fit_are_refused(array, key, value):
    with pytest.raises(ValueError, match=f"^{key} must be .*: one has too many digits$"):
        array(key, [value])
    assert np.isinf(array("points", [1e39]))  # the model refuses these


def test_documented_bounds():
    text = (ROOT / "docs" / "serving.md").read_text("utf-8")
    assert f"more than {ExportOptions().max_points:,} rows" in text
    assert f"more than {ExportOptions().max_clouds} clouds" in text
    assert f"{ExportOptions().max_atoms:,} atoms" in text
