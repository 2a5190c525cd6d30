#!/usr/bin/env python3
"""Classify point clouds with a served model over REST. Needs Python and nothing else.

    python client_rest.py --model NAME chair.xyz table.xyz

A file holds one point a line, x y z, separated by blanks or commas; anything after the third number
is ignored, and so are lines that begin with #. A cloud that lies farther from the origin than 1.5
times its extent is moved to its centroid, as requests carry float32; --as-is leaves it, for a model
that was made with center=False. Prints a JSON list with one answer for each file.
"""

import argparse
import http.client
import json
import math
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

_UNLIKE = (http.client.HTTPException, LookupError, RecursionError, TypeError, ValueError)
"""What an answer ends in that is not HTTP, not JSON or not of the server's form."""


_POINT = re.compile(r"\s*([^\s,]+)(\s*,\s*|\s+)([^\s,]+)(\s*,\s*|\s+)([^\s,]+)(?:,\d)?")
"""Three words, and what is between them."""


def read_cloud(path, as_is=False):
    """Points [n][3] of a text file, moved to their centroid if they are far unless `as_is`."""
    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8-sig") as file:
            lines = [line.strip("\ufeff \t\r\n").split("#")[0] for line in file]
        lines = [line for line in lines if line]
        if str(path).lower().endswith(".csv") and lines[1:] and is_numbered(lines[0]):
            del lines[0]
        cloud = [point_of(line) for line in lines]
    except ValueError as error:
        raise ValueError(f"{path} is not a text file of x y z a line: {error}") from None
    if not cloud:
        raise ValueError(f"{path} is not a text file of x y z a line: it holds no point")
    return cloud if as_is else near(cloud)


def is_numbered(line):
    """Whether a line is 0,1,2 and so on, as pandas numbers the columns of an array."""
    words = line.split(",")
    return len(words) > 2 and words == [*map(str, range(len(words)))]


def point_of(line):
    """The first three numbers of a line, between which are blanks, commas or both."""
    found = _POINT.match(line)
    # With blanks between three, a comma between two digits is a number's own, unless a point is.
    commas = found and found.group(2, 4) != (",", ",") and re.search(r"\d,\d", found[0])
    if commas and "." not in found[0] and len(re.split(r",?\s+", line.strip())) > 2:
        raise ValueError(f"{line[:60]!r} has decimal commas")
    words = found.group(1, 3, 5) if found else ()
    point = [float(word) for word in words if "_" not in word]  # which Python takes for nothing
    if len(point) < 3 or not all(map(math.isfinite, point)):
        raise ValueError(f"{line[:60]!r} are not three finite numbers")
    return point


def near(cloud):
    """A cloud moved to its centroid if it lies so far away that float32 would spoil its shape."""
    axes = list(zip(*cloud, strict=True))
    extent = max(max(axis) - min(axis) for axis in axes)
    if not 0 < 1.5 * extent < max(abs(number) for axis in axes for number in axis):
        return cloud
    centre = [sum(axis) / len(axis) for axis in axes]
    return [[number - c for number, c in zip(point, centre, strict=True)] for point in cloud]


def refusal(error):
    """What the server says, in one line; of an answer that is cut short what came of it."""
    with error:
        try:
            body = error.read()
        except (http.client.HTTPException, OSError) as cut:
            body = getattr(cut, "partial", b"")
    return " ".join(body.decode(errors="replace").split())


def predict(url, model, clouds, signature="serving_default", timeout=60):
    """Predictions of a served model, one for each cloud.

    Args:
        url: Address of the REST interface, such as http://localhost:8501.
        model: Name of the served model.
        clouds: Clouds [n][3], of any sizes.
        signature: "serving_default" (probabilities, classes, scores), "logits" or "embedding".
        timeout: Seconds to wait.

    Raises:
        RuntimeError: With the server's message, if it refuses, or if it is no such server.
        urllib.error.URLError: If it does not answer.
    """
    longest = max((len(cloud) for cloud in clouds), default=0)
    instances = clouds
    if any(len(cloud) != longest for cloud in clouds):
        # Rows of one request must have one shape: fill up, and say how many points count.
        signature = "padded" if signature == "serving_default" else f"padded_{signature}"
        instances = [
            {"points": cloud + [[0.0] * 3] * (longest - len(cloud)), "lengths": len(cloud)}
            for cloud in clouds
        ]
    try:
        request = urllib.request.Request(
            f"{url.rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}:predict",
            json.dumps({"signature_name": signature, "instances": instances}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=timeout) as response:
            predictions = json.load(response)["predictions"]
        if not isinstance(predictions, list) or len(predictions) != len(clouds):
            raise ValueError("not one answer for each cloud")
        return predictions
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"the server answered {error.code}: {refusal(error)}") from error
    except (http.client.InvalidURL, UnicodeEncodeError) as error:
        raise RuntimeError(f"{url} is not an address: {error}") from error
    except _UNLIKE as error:
        raise RuntimeError(f"{url} answers unlike TensorFlow Serving: {error!r}") from error
    except urllib.error.URLError:
        raise
    except OSError as error:  # that comes while the answer is read comes as it is
        raise urllib.error.URLError(error) from error


def add_options(parser):
    """Options of both clients of classifiers."""
    parser.add_argument("--signature", default="serving_default", help="default: %(default)s")
    parser.add_argument("--timeout", type=float, default=60, help="seconds; default: %(default)s")
    parser.add_argument("--as-is", action="store_true", help="do not move clouds that are far away")


def check_options(parser, options):
    """End with a sentence where options cannot be used."""
    if options.signature.startswith(("padded", "ragged")):
        parser.error(
            "--signature is serving_default, logits or embedding: padded and ragged follow from "
            "the clouds' sizes"
        )
    if not 0 < options.timeout <= 1e6:
        parser.error("--timeout is a positive number of seconds")
    if options.clouds.count("-") > 1:
        parser.error("- is the standard input, which can be read once")


def plain(value):
    """None in place of numbers that are not finite, as KServe has it: JSON knows none of them."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(answers):
    """Print answers as JSON. Who reads them, such as `head`, may have enough before their end."""
    answers = plain(answers)
    text = json.dumps(answers, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # halves of characters, or what a terminal lacks
        text = json.dumps(answers, indent=2)
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description="Classify point clouds with a served model.")
    parser.add_argument("clouds", nargs="+", metavar="FILE", help="x y z a line; - reads stdin")
    parser.add_argument("--url", default="http://localhost:8501", help="default: %(default)s")
    parser.add_argument("--model", required=True, help="name of the served model")
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options)
    if not options.url.startswith(("http://", "https://")):
        parser.error(f"--url begins with http:// or https://, unlike {options.url}")
    try:
        clouds = [read_cloud(path, options.as_is) for path in options.clouds]
        answers = predict(options.url, options.model, clouds, options.signature, options.timeout)
    except urllib.error.URLError as error:
        raise SystemExit(f"client_rest: {options.url} does not answer: {error.reason}") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f"client_rest: {error}") from None
    show(answers)


if __name__ == "__main__":
    main()
