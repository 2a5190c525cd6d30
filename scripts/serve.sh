#!/usr/bin/env bash
# Serve a folder that `csnn-tf export MODEL DIR` made, with the official image of TensorFlow Serving.
#
#   scripts/serve.sh DIR [FLAG OF tensorflow_model_server ...]
#
# REST listens on port 8501 and gRPC on 8500 of this machine only. Settings from the environment:
# HOST (0.0.0.0 opens both to the network), REST_PORT, GRPC_PORT, IMAGE, CONTAINER (docker or
# podman), TF_ENABLE_ONEDNN_OPTS. Requests run together (see docs/serving.md) with
#
#   scripts/serve.sh DIR --enable_batching --enable_per_model_batching_parameters \
#       --batching_parameters_file=/models/batching_parameters
set -euo pipefail

if [[ $# -lt 1 || $1 == -* ]]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0" >&2
  exit 2
fi
if [[ ! -f $1/models.config ]]; then
  echo "serve.sh: $1 has no models.config: make it with csnn-tf export MODEL $1" >&2
  exit 2
fi
container=${CONTAINER:-docker}
if ! command -v "$container" > /dev/null; then
  echo "serve.sh: $container is not installed: scripts/serve_kserve.py serves without it" >&2
  exit 127
fi
folder=$(CDPATH='' cd -- "$1" && pwd)
shift
# The option is a row of CSV: a path with a comma, a quote or a new line in it goes into quotes.
source="source=$folder"
[[ $folder == *[,\"$'\n']* ]] && source="\"${source//\"/\"\"}\""

host=${HOST:-127.0.0.1}
exec "$container" run --rm --init \
  --publish "$host:${REST_PORT:-8501}:8501" \
  --publish "$host:${GRPC_PORT:-8500}:8500" \
  --env TF_ENABLE_ONEDNN_OPTS \
  --mount "type=bind,$source,target=/models,readonly" \
  "${IMAGE:-tensorflow/serving}" \
  --model_config_file=/models/models.config \
  --model_config_file_poll_wait_seconds=60 \
  "$@"
