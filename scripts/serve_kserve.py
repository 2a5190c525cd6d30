#!/usr/bin/env python3
"""Serve a folder that `csnn-tf export MODEL DIR` made, without Docker. Needs kserve.

    pip install kserve
    python scripts/serve_kserve.py DIR [--port 8501] [--max-body 64] [--allow-host NAME]

Every model in DIR, its latest version that can be read, answers at
http://localhost:8501/v1/models/NAME:predict as TensorFlow Serving would: {"instances": [...]} gives
{"predictions": [...]}, and {"inputs": {...}} gives {"outputs": {...}}. So does
.../NAME/versions/N:predict for the version that is loaded. The addresses are printed when they
answer; those of labels, of a version's state and /metadata do not. It listens on this machine only,
wants to be asked by its names, and has no batching, no warm-up and no gRPC; for many clients take
scripts/serve.sh.
"""

import argparse
import asyncio
import contextlib
import errno
import json
import logging
import os
import platform
import socket
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if platform.machine() in {"x86_64", "AMD64"}:  # as csnn_tf does, which is not needed here
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# kserve would read the command line when it is imported.
ARGUMENTS, sys.argv[1:] = sys.argv[1:], []
try:
    from fastapi import Request
    from kserve import Model, ModelRepository, ModelServer
    from kserve.errors import InvalidInput, ModelNotFound
    from kserve.model_server import app
    from kserve.protocol.model_repository_extension import ModelRepositoryExtension
    from kserve.protocol.rest.server import RESTServer
    from kserve.protocol.rest.v1_endpoints import V1Endpoints
    from kserve_parts.gate import HOSTS, MAX_BODY, Gate
    from kserve_parts.json_arrays import alone, arrays, columns, named, plain, rows
except ImportError as error:
    if str(error.name).partition(".")[0] == "kserve_parts":
        raise SystemExit("serve_kserve: the folder kserve_parts must lie beside it") from None
    raise SystemExit(f"serve_kserve: pip install kserve first: {error}") from None


class SavedModel:
    """A SavedModel in this process."""

    def __init__(self, folder):
        import tensorflow as tf

        self._tf = tf
        self._loaded = tf.saved_model.load(str(folder))
        self.inputs = {
            name: sorted(call.structured_input_signature[1])
            for name, call in self._loaded.signatures.items()
        }

    def run(self, signature, inputs):
        """Outputs by name."""
        try:
            given = {key: self._tf.constant(value) for key, value in inputs.items()}
            outputs = self._loaded.signatures[signature](**given)
            return {key: value.numpy() for key, value in outputs.items()}
        except self._tf.errors.OpError as error:
            raise RuntimeError(error.message) from error


class Served(Model):
    """Answers predict requests with a model.

    A model has `run(signature, inputs)`, and of each signature the names of its `inputs`.
    """

    def __init__(self, name, model):
        super().__init__(name)
        self.model, self.ready = model, True
        self.pool = ThreadPoolExecutor(8)

    async def predict(self, payload, headers=None, response_headers=None):
        """The answer to a JSON request, decoded or not."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, self._answer, payload)

    def _answer(self, payload):
        try:
            # kserve decodes what is sent as JSON by its content type; curl says something else.
            request = json.loads(payload) if isinstance(payload, bytes) else payload
            if not isinstance(request, dict) or len({"inputs", "instances"} & request.keys()) != 1:
                raise ValueError('a request is either {"instances": [...]} or {"inputs": {...}}')
            signature = self._signature(request)
            by_row = "instances" in request
            inputs = columns(request["instances"]) if by_row else request["inputs"]
            inputs = arrays(named(inputs, self.model.inputs[signature]))
            outputs = self.model.run(signature, inputs)
            if by_row:
                return {"predictions": rows(outputs)}
            return {"outputs": alone({key: plain(value) for key, value in outputs.items()})}
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InvalidInput(f"{type(error).__name__}: {error}") from error

    def _signature(self, request):
        name = request.get("signature_name", "")
        if not isinstance(name, str):
            raise ValueError("signature_name must be a string")
        name = name or "serving_default"
        if name not in self.model.inputs:
            raise ValueError(f"there is no signature {name!r}, only {', '.join(self.model.inputs)}")
        return name


def in_a_line(record):
    """Let the log have one line for a request that is refused; kserve adds where it was."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, (InvalidInput, ModelNotFound)):
        message = " ".join(str(error).split())
        record.msg, record.args, record.exc_info = f"refused: {message}", (), None
    return True


def answer_versions(dataplane, versions):
    """Answer the addresses of the versions that are loaded, too."""
    endpoints = V1Endpoints(dataplane)

    async def predict(name: str, version: int, request: Request):
        if versions.get(name) != version:
            raise ModelNotFound(f"{name} and version {version}")
        return await endpoints.predict(name, request)

    address = "/v1/models/{name}/versions/{version:int}:predict"
    app.add_api_route(address, predict, methods=["POST"], response_model=None)


def bound(port):
    """A socket of this machine's own address, or the end with a sentence."""
    address = socket.socket()
    address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with ending(address, port):
        address.bind(("127.0.0.1", port))
    return address


@contextlib.contextmanager
def ending(address, port):
    """End with a sentence where a socket cannot have its port."""
    try:
        yield
    except (OSError, OverflowError) as error:
        address.close()
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        reason = "is taken" if taken else f"cannot be had ({error})"
        raise SystemExit(f"serve_kserve: port {port} {reason}: choose one with --port") from None


def serve(models, address, versions=None, max_body=MAX_BODY, hosts=HOSTS):
    """Serve models by name, and those of known versions by version, at a socket until interrupted.

    kserve itself would listen on all addresses, and try to only once the models are loaded.
    """
    # Of kserve's own use of it; nobody here can do anything about it.
    warnings.filterwarnings("ignore", "ORJSONResponse is deprecated")
    logging.getLogger("kserve").addFilter(in_a_line)
    repository = ModelRepository()
    for name, model in models.items():
        repository.update(Served(name, model))
    server = ModelServer(registered_models=repository, enable_grpc=False, workers=1)
    answer_versions(server.dataplane, versions or {})
    app.add_middleware(Gate, hosts=hosts, max_body=max_body)
    port = address.getsockname()[1]
    rest = RESTServer(
        "kserve.model_server:app", server.dataplane, ModelRepositoryExtension(repository), port
    )
    with ending(address, port):
        address.listen()  # fails where another process has listened since: both may be bound
    for name in models:
        print(f"http://localhost:{port}/v1/models/{name}:predict", flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        rest.run([address])


def load(folders):
    """The first SavedModel of some folders that can be read, and its folder; a warning for others.

    Nothing if none can be read.
    """
    for folder in folders:
        try:
            return SavedModel(folder), folder
        except Exception as error:  # TensorFlow raises many kinds for what is damaged
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            print(f"serve_kserve: {folder} cannot be read: {reason}", file=sys.stderr, flush=True)
    return None


def versions_in(folder):
    """Version folders of models by name, newest first."""
    found = {}
    for path in sorted(Path(folder).glob("*/*/saved_model.pb")):
        if path.parent.name.isdecimal():
            found.setdefault(path.parent.parent.name, []).append(path.parent)
    by_number = {"key": lambda version: int(version.name), "reverse": True}
    return {name: sorted(versions, **by_number) for name, versions in found.items()}


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description="Serve exported models without Docker.")
    parser.add_argument("folder", metavar="DIR", help="that csnn-tf export has written to")
    parser.add_argument("--port", type=int, default=8501, help="default: %(default)s")
    parser.add_argument(
        "--max-body",
        type=int,
        default=MAX_BODY // 2**20,
        metavar="MIB",
        help="size of a request; default: %(default)s",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help=f"by which it may be asked besides {', '.join(HOSTS)}, as behind a proxy",
    )
    options = parser.parse_args(ARGUMENTS)
    if options.max_body < 1:
        raise SystemExit(f"serve_kserve: --max-body must be at least 1, not {options.max_body}")
    folders = versions_in(options.folder)
    if not folders:
        raise SystemExit(f"serve_kserve: {options.folder} holds no exported model")
    address = bound(options.port)
    found = {name: load(versions) for name, versions in folders.items()}
    found = {name: each for name, each in found.items() if each}
    if not found:
        raise SystemExit(f"serve_kserve: {options.folder} holds no model that can be read")
    serve(
        {name: model for name, (model, _) in found.items()},
        address,
        {name: int(version.name) for name, (_, version) in found.items()},
        options.max_body * 2**20,
        (*HOSTS, *options.allow_host),
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # while models are loaded
        raise SystemExit(130) from None
