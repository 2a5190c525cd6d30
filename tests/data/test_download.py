import hashlib
import http.server
import re
import threading
import urllib.error
import urllib.request

import pytest

from csnn_tf.data import download as module
from csnn_tf.data import fetch_modelnet40, load_modelnet40
from csnn_tf.data.download import MODELNET40_ARCHIVE, Archive, download
from csnn_tf.errors import InputError
from tests.data.data_files import hdf5_form
from tests.data.test_unpack import archive_of

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SIZE = len(CONTENT)


class Handler(http.server.BaseHTTPRequestHandler):
    """/good honours ranges, the others misbehave each in its own way."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        content = self.server.content
        match self.path:
            case "/good" if wanted := self.headers.get("Range"):
                start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
                span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.answer(206, content[start:], {"Content-Range": span})
            case "/good" | "/no_ranges":
                self.answer(200, content)
            case "/other":
                self.answer(200, content[::-1])
            case "/short":
                self.answer(200, content[:-1])
            case "/other_range" if self.headers.get("Range"):
                self.answer(206, content[:10], {"Content-Range": "bytes 0-9/10"})
            case "/unknown_length_long":
                self.answer(200, content + b"x", length=False)
            case "/breaks_off":
                self.answer(200, content[:100_000], length=len(content))
            case "/moved":
                self.answer(302, b"", {"Location": "/good"})
            case _:
                self.answer(404, b"not here")

    def answer(self, status, body, headers=None, length=True):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if length:
            self.send_header("Content-Length", str(len(body) if length is True else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests, running.content = [], CONTENT
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def opener(server):
    """Sends requests for https://any-host/path to the local server."""

    def send(request, timeout):
        path = urllib.request.urlparse(request.full_url).path
        local = f"http://127.0.0.1:{server.server_address[1]}{path}"
        return urllib.request.urlopen(
            urllib.request.Request(local, headers=dict(request.header_items())), timeout=timeout
        )

    return send


@pytest.fixture
def get(tmp_path, opener):
    def get(*paths):
        urls = [f"https://mirror{number}.test{path}" for number, path in enumerate(paths)]
        return download(urls, tmp_path / "new" / "a.zip", SHA256, SIZE, False, opener=opener)

    return get


@pytest.fixture
def part(tmp_path):
    """The place of what is not complete yet."""
    (tmp_path / "new").mkdir()
    return tmp_path / "new" / "a.zip.part"


@pytest.mark.parametrize("path", ["/good", "/no_ranges", "/moved"])
def test_downloads(get, tmp_path, path):
    target = get(path)
    assert target == tmp_path / "new" / "a.zip"
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_a_complete_file_is_not_fetched_again(get, server):
    get("/good")
    get("/good")
    assert len(server.requests) == 1


@pytest.mark.parametrize("there", [1, 1000, SIZE - 1])
def test_goes_on_where_it_broke_off(get, server, part, there):
    part.write_bytes(CONTENT[:there])
    assert get("/good").read_bytes() == CONTENT
    assert server.requests == [("/good", f"bytes={there}-")]


def test_a_server_without_ranges_starts_anew(get, server, part):
    part.write_bytes(b"?" * 1000)
    assert get("/no_ranges").read_bytes() == CONTENT
    assert server.requests == [("/no_ranges", "bytes=1000-")]


@pytest.mark.parametrize("wrong", [b"?" * 1000, b"?" * SIZE, b"?" * (SIZE + 5)])
def test_a_wrong_beginning_is_thrown_away(get, server, part, wrong):
    part.write_bytes(wrong)
    assert get("/good").read_bytes() == CONTENT
    assert server.requests[-1] == ("/good", None)


def test_a_complete_part_needs_no_server(get, server, part):
    part.write_bytes(CONTENT)
    assert get("/good").read_bytes() == CONTENT
    assert server.requests == []


@pytest.mark.parametrize(
    "bad", ["/other", "/short", "/gone", "/breaks_off", "/unknown_length_long", "/other_range"]
)
def test_the_next_mirror_is_tried(get, server, bad):
    target = get(bad, "/good")
    assert target.read_bytes() == CONTENT
    assert [path for path, _ in server.requests[:2]] == [bad, "/good"]
    assert list(target.parent.iterdir()) == [target]


def test_the_next_mirror_goes_on_from_what_the_last_one_gave(get, server):
    get("/breaks_off", "/good")
    assert server.requests == [("/breaks_off", None), ("/good", "bytes=100000-")]


def test_a_mirror_with_another_size_leaves_what_is_there(get, part):
    part.write_bytes(CONTENT[:1000])
    for path in ("/other_range", "/short", "/gone"):
        with pytest.raises(InputError):
            get(path)
        assert part.read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/other", "another file, by its checksum"),
        ("/short", "a file of another size"),
        ("/unknown_length_long", "a longer file"),
        ("/breaks_off", "broke off after 100000 of 256000 bytes"),
        ("/gone", "Not Found"),
    ],
)
def test_the_message_says_why_and_what_to_do(get, tmp_path, path, reason):
    with pytest.raises(InputError, match=reason) as caught:
        get("/gone", path)
    message = str(caught.value)
    assert "mirror0.test: Not Found; mirror1.test: " in message
    assert "from https://mirror0.test/gone and pass it with --from FILE" in message
    assert not (tmp_path / "new" / "a.zip").exists()


def test_without_a_network_one_sentence_says_what_to_do(tmp_path):
    def unreachable(request, timeout):
        raise urllib.error.URLError(OSError("no route to host"))

    with pytest.raises(InputError, match=r"a\.test: no route to host.*--from FILE\.$") as caught:
        download(["https://a.test/x"], tmp_path / "x", SHA256, SIZE, False, opener=unreachable)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://a.test/x", "file:///etc/passwd", "ftp://a.test/x", "x"])
def test_only_https(tmp_path, opener, server, url):
    with pytest.raises(InputError, match="https"):
        download(["https://a.test/good", url], tmp_path / "x", SHA256, SIZE, False, opener=opener)
    assert server.requests == []


def test_the_real_opener_refuses_to_leave_https(server):
    port = server.server_address[1]
    for url in (f"http://127.0.0.1:{port}/good", "file:///etc/passwd"):
        with pytest.raises(urllib.error.URLError, match="unknown url type"):
            module._open_https(urllib.request.Request(url), 5)
    assert server.requests == []


def test_a_place_that_cannot_be_written_is_named(tmp_path, opener):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        download(
            ["https://a.test/good"], tmp_path / "file" / "x", SHA256, SIZE, False, opener=opener
        )


def test_the_bar_shows_progress(tmp_path, opener, capsys):
    download(["https://a.test/good"], tmp_path / "name", SHA256, SIZE, True, opener=opener)
    assert "name" in capsys.readouterr().out


def test_the_record_of_modelnet40():
    assert re.fullmatch(r"[0-9a-f]{64}", MODELNET40_ARCHIVE.sha256)
    assert all(url.startswith("https://") for url in MODELNET40_ARCHIVE.urls)
    assert all(url.endswith(MODELNET40_ARCHIVE.name) for url in MODELNET40_ARCHIVE.urls)


def test_fetch_from_a_file_at_hand(tmp_path):
    source = tmp_path / "mine.zip"
    source.write_bytes(archive_of(hdf5_form(tmp_path / "made")))
    target = fetch_modelnet40(tmp_path / "data", source=source)
    assert len(load_modelnet40(target, "test")) == 5
    assert source.exists()
    source.unlink()
    assert fetch_modelnet40(tmp_path / "data", source=source) == target, "it is there already"


def test_fetch_downloads_unpacks_and_tidies_up(tmp_path, server, opener, monkeypatch):
    server.content = archive_of(hdf5_form(tmp_path / "made"))
    record = Archive(
        "a.zip",
        ("https://a.test/good",),
        len(server.content),
        hashlib.sha256(server.content).hexdigest(),
    )
    monkeypatch.setattr(module, "MODELNET40_ARCHIVE", record)
    monkeypatch.setattr(module, "_open_https", opener)
    target = fetch_modelnet40(tmp_path / "data", progress=False)
    assert list((tmp_path / "data").iterdir()) == [target]
    assert len(load_modelnet40(tmp_path / "data", "train")) == 5
    fetch_modelnet40(tmp_path / "data", progress=False)
    assert len(server.requests) == 1


def test_an_archive_that_was_there_stays(tmp_path, server, opener, monkeypatch):
    own = tmp_path / "a.zip"
    own.write_bytes(archive_of(hdf5_form(tmp_path / "made")))
    sha256 = hashlib.sha256(own.read_bytes()).hexdigest()
    record = Archive("a.zip", ("https://a.test/good",), own.stat().st_size, sha256)
    monkeypatch.setattr(module, "MODELNET40_ARCHIVE", record)
    monkeypatch.setattr(module, "_open_https", opener)
    fetch_modelnet40(tmp_path, progress=False)
    assert own.exists()
    assert server.requests == []
