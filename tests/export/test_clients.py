"""The example clients against servers that answer anything."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from tests.export.conftest import script
from tests.helpers import clouds


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
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80solid", "cloud.xyz is not a text file of x y z a line: "),
        (b"0 0 1\n2 3", "cloud.xyz is not a text file of x y z a line: '2 3' are not three"),
        (b"# nothing", "cloud.xyz is not a text file of x y z a line: it holds no point$"),
        (b"0 0 1\n0 nan 1", "cloud.xyz is not a text file of x y z a line: '0 nan 1' are not"),
        (b"0,5 1,2 3,4", "cloud.xyz is not a text .*: '0,5 1,2 3,4' has decimal commas"),
        (b"1_0 0 1", "cloud.xyz is not a text file of x y z a line: '1_0 0 1' are not"),
        (b"0 0 1", "http://127.0.0.1:9 does not answer: .*refused"),
    ],
)
def test_the_file_or_the_address_is_named(tmp_path, content, message):
    (tmp_path / "cloud.xyz").write_bytes(content)
    with pytest.raises(SystemExit, match=f"^client_rest: .*{message}"):
        script("client_rest").main(
            ["--url", "http://127.0.0.1:9", "--model", "any", str(tmp_path / "cloud.xyz")]
        )


def test_the_address_has_a_scheme(tmp_path, capsys):
    with pytest.raises(SystemExit):
        script("client_rest").main(
            ["--url", "localhost:8501", "--model", "any", str(tmp_path / "cloud.xyz")]
        )
    assert "--url begins with http:// or https://, unlike localhost:8501" in capsys.readouterr().err


@pytest.fixture(params=["client_rest", "client_grpc"])
def classifying(request):
    """A client of classifiers."""
    if request.param == "client_grpc":
        pytest.importorskip("tensorflow_serving")
    return script(request.param)


def test_texts_of_points(classifying, tmp_path):
    path = tmp_path / "cloud.xyz"
    path.write_bytes(b"\xef\xbb\xbf0 0 1\n  # comment\n\n1, 2, 3, red # as well\n 4\t5 6 7\r\n")
    assert classifying.read_cloud(path, as_is=True) == [[0, 0, 1], [1, 2, 3], [4, 5, 6]]
    table = tmp_path / "pandas.csv"
    table.write_text("0,1,2\n5,6,7\n")
    assert classifying.read_cloud(str(table), as_is=True) == [[5, 6, 7]]
    table.write_text("0,1,2\n")
    assert classifying.read_cloud(str(table), as_is=True) == [[0, 1, 2]]


@pytest.mark.parametrize(
    "line", ["0 0 1 chair,red", "0 0 1,", "0, 0 1", "0,0,1 chair", "0,0,1,5", " 0 ,0\t1", "0,0,1"]
)
def test_blanks_and_commas_and_what_is_after_them(line):
    assert script("client_rest").point_of(line) == [0, 0, 1]


@pytest.mark.parametrize("line", ["1.5,2, 3", "1.5,2 ,3", "1.5,2 3", "1.5,2, 3, 7"])
def test_points_of_numbers_tell_that_commas_separate(line):
    assert script("client_rest").point_of(line) == [1.5, 2, 3]
    assert script("client_rest").point_of("1,2 ,3") == [1, 2, 3]


@pytest.mark.parametrize(
    "line", ["0,5 1,5 2,5", "0 0 1,5", "0,5 0 1", "0 0,5 1 2", "0,5, 1,5, 2,5", "0, 0, 1,5"]
)
def test_decimal_commas_are_refused(line):
    """They would give other points."""
    with pytest.raises(ValueError, match="has decimal commas"):
        script("client_rest").point_of(line)


@pytest.mark.parametrize(
    "line", ["0 0", "0,,0,1", "0;0;1", "0 0 1_0", "0 0 nan", ",0 0 1", "0 0 x"]
)
def test_lines_without_three_numbers(line):
    with pytest.raises(ValueError, match="are not three finite|could not convert"):
        script("client_rest").point_of(line)


@pytest.mark.parametrize("extents", [1.5, 100, 1e6])
def test_clouds_far_away_are_sent_near_the_origin(classifying, tmp_path, extents):
    near = clouds(1, 50)[0].astype(float)
    np.savetxt(tmp_path / "near.xyz", near)
    far = near + extents * np.ptp(near, axis=0).max()
    np.savetxt(tmp_path / "far.xyz", far)
    read = classifying.read_cloud
    np.testing.assert_array_equal(read(tmp_path / "near.xyz"), near)
    found = np.array(read(tmp_path / "far.xyz"), np.float32)
    np.testing.assert_allclose(found, near - near.mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(read(tmp_path / "far.xyz", as_is=True), far)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--signature", "padded"], "padded and ragged follow from the clouds' sizes"),
        (["--signature", "ragged_logits"], "padded and ragged follow from the clouds' sizes"),
        (["--timeout", "0"], "--timeout is a positive number of seconds"),
        (["--timeout", "nan"], "--timeout is a positive number of seconds"),
        (["-"], "- is the standard input, which can be read once"),
    ],
)
def test_options_that_cannot_be_used(classifying, capsys, arguments, message):
    with pytest.raises(SystemExit):
        classifying.main(["--model", "any", "-", *arguments])
    assert message in capsys.readouterr().err


def test_the_grpc_client_alone(tmp_path):
    alone = shutil.copy(Path(script("client_rest").__file__).with_name("client_grpc.py"), tmp_path)
    found = subprocess.run([sys.executable, alone], capture_output=True, text=True, timeout=300)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == "client_grpc: client_rest.py of the same version must lie beside it\n"


def test_timeouts_reach_the_request(other_server, arguments, monkeypatch):
    url, _ = other_server
    for name in ("client_rest", "client_dos"):
        opened = Mock(side_effect=TimeoutError("timed out"))
        monkeypatch.setattr("urllib.request.urlopen", opened)
        with pytest.raises(SystemExit, match="timed out"):
            script(name).main([*arguments(name, url), "--timeout", "7"])
        assert opened.call_args.kwargs == {"timeout": 7}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1_0\n\n" + "C 0 0 0\n" * 10, "'1_0' is not a number of atoms"),
        ("1\n\nC 0 nan 0\n", "nan is not finite"),
        ("1\n\nC 0 1_0 0\n", "could not convert"),
    ],
)
def test_numbers_of_structures(tmp_path, content, message):
    (tmp_path / "one.xyz").write_text(content)
    with pytest.raises(ValueError, match=f"one.xyz is not an xyz file: {message}"):
        script("client_dos").read_structures(tmp_path / "one.xyz")
    (tmp_path / "one.xyz").write_bytes(b"\xef\xbb\xbf1\n\nC 0 0 0\n")
    assert len(script("client_dos").read_structures(tmp_path / "one.xyz")) == 1


_ANSWERS = {
    "client_rest": b'{"predictions": [{"values": [%s]}]}',
    "client_dos": b'{"outputs": {"energies": [1.0], "values": [[%s]]}}',
}


@pytest.mark.parametrize("name", _ANSWERS)
@pytest.mark.parametrize("word", [b"null", b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_unknown_numbers_are_null(other_server, arguments, capsys, name, word):
    """Of KServe, which writes null, and of TensorFlow Serving, which writes what is no JSON."""
    url, answers = other_server
    answers.append(_OK + _ANSWERS[name] % b", ".join([word, b"1" + b"0" * 400, b"true", b"0.5"]))
    script(name).main(arguments(name, url))
    (row,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert row["values"] == [None, 10**400, True, 0.5]


@pytest.mark.parametrize("name", _ANSWERS)
@pytest.mark.parametrize("word", ["chaise longue", "café", "模型", "\ud800", "é\udc80"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "utf-8:surrogateescape"])
def test_texts_that_the_output_cannot_take(name, word, encoding):
    """A half of a character, which no encoding has, and what a terminal's lacks."""
    code = f"from {name} import show; show([{{{word!a}: {word!a}}}])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2] / "scripts",
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert (found.returncode, found.stderr) == (0, b"")
    assert json.loads(found.stdout.decode()) == [{word: word}]
    as_it_is = encoding.startswith("utf-8") and word.isprintable()
    assert (word.encode("utf-8", "replace") in found.stdout) is (as_it_is or word.isascii())


@pytest.mark.parametrize("name", ["client_rest", "client_dos"])
def test_who_reads_the_answers_may_stop(name):
    code = f"from {name} import show; show([0.5] * 100_000)"
    folder = Path(__file__).parents[2] / "scripts"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, **pipes) as process:
        assert process.stdout.read(2) == b"[\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
