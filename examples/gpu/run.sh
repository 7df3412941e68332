#!/bin/sh
# What a GPU computes and how fast, on a machine that has PyTorch and no network.
#
#   sh examples/gpu/run.sh WHEELS DATA OUT [STAGE ...] [--seconds 540]
#
# WHEELS: a folder of wheels of what the machine lacks, may be empty. DATA: a folder as HARNESS_DATA, may be empty, with
# images in DATA/images. OUT: tables, and stores of scores from which the same command goes on. Run it from the
# repository's folder. The stages, and what they need: docs/howto/gpu.md.
set -eu
[ $# -ge 3 ] || { sed -n '4p' "$0" >&2; exit 2; }
wheels=$1 data=$2 out=$3
shift 3
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
if ls "$wheels"/*.whl >/dev/null 2>&1; then
    python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$wheels"/*.whl
fi
PYTHONPATH="$site:$PWD" HARNESS_DATA="$data" HARNESS_IMAGES="$data/images" PYTHONUNBUFFERED=1 \
    python3 -m harness.perf.gpu "$@" --out "$out"
