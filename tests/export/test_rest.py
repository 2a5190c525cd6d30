"""The example client against KServe's real HTTP server, which runs the export in C++."""

import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from csnn_tf.export import ExportOptions
from tests.export.conftest import CLASSES, HERE, script, serving
from tests.helpers import clouds, relative

ROOT = HERE.parents[1]
SCRIPT = ROOT / "scripts" / "client_rest.py"


@pytest.fixture(scope="module")
def client():
    return script("client_rest")


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


def _assert_only_predictions(url):
    """Nothing but predictions is done for anyone, nor anything in the name of another site."""
    unload = f"{url}/v2/repository/models/shapes/unload"
    for request, code in (
        (urllib.request.Request(unload, b""), 403),
        (urllib.request.Request(f"{url}/v1/models/shapes:explain", b"{}"), 403),
        (urllib.request.Request(url, headers={"Host": "evil.example"}), 403),
        (urllib.request.Request(f"{url}/v1/models/shapes", method="HEAD"), 200),
    ):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                found = response.status
        except urllib.error.HTTPError as error:
            with error:
                found = error.code
        assert found == code
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as left:  # midway
        left.sendall(b"POST /v1/models/shapes:predict HTTP/1.1\r\nHost: localhost\r\n")
        left.sendall(b"Content-Length: 99\r\n\r\n{")


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
        _assert_only_predictions(url)
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
    assert "DeprecationWarning" not in log
    assert "{{node" not in re.sub("^.*refused: .*$", "", log, flags=re.M)
    (answer,) = json.loads(capsys.readouterr().out)
    points = np.loadtxt(tmp_path / "cone.xyz", np.float32)
    np.testing.assert_allclose(
        answer["probabilities"], exported.probabilities([points])[0], atol=1e-5
    )
    assert answer["classes"][0] == CLASSES[int(np.argmax(answer["probabilities"]))]


def test_documented_bounds():
    text = (ROOT / "docs" / "serving.md").read_text("utf-8")
    assert f"more than {ExportOptions().max_points:,} rows" in text
    assert f"more than {ExportOptions().max_clouds} clouds" in text
    assert f"{ExportOptions().max_atoms:,} atoms" in text
