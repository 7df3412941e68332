#!/bin/sh
# What a GPU computes and how fast, on a machine that has PyTorch and no network.
#
#   sh examples/gpu/run.sh WHEELS DATA OUT [STAGE ...] [--seconds 300]
#
# WHEELS: a folder of wheels of what the machine lacks, may be empty. DATA: a folder as HARNESS_DATA, may be empty, with
# images in DATA/images. OUT: tables, and stores of scores from which the same command goes on; OUT.tar.gz holds all of it
# in the end. Run it from the repository's folder. The stages, and what they need: docs/howto/gpu.md.
set -eu
if [ $# -lt 3 ]; then
    echo "sh examples/gpu/run.sh WHEELS DATA OUT [STAGE ...] [--seconds 300]" >&2
    exit 2
fi
wheels=$1 data=$2 out=$3
shift 3
for folder in "$wheels" "$data"; do
    [ -d "$folder" ] || { echo "There is no folder $folder." >&2; exit 2; }
done
mkdir -p "$out"
site=$(mktemp -d)
ended() {  # one file to bring home, also after a signal
    rm -rf "$site"
    tar -czf "$out.tar.gz" -C "$out" . && echo "$out.tar.gz"
}
trap ended EXIT
trap 'exit 143' TERM INT
if ls "$wheels"/*.whl >/dev/null 2>&1; then
    python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$wheels"/*.whl
fi
PYTHONPATH="$site:$PWD" HARNESS_DATA="$data" HARNESS_IMAGES="$data/images" PYTHONUNBUFFERED=1 \
    python3 -m harness.perf.gpu "$@" --out "$out"
