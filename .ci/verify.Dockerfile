# The harness for running the proxies of records: built with network, run without (.ci/verify).
FROM python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
ARG TORCH=2.13.0
WORKDIR /harness
COPY constraints.txt pyproject.toml README.md LICENSE ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r constraints.txt \
 && python -m pip install --no-cache-dir "torch==${TORCH}"
COPY harness harness
COPY proxies proxies
COPY benchmarks benchmarks
COPY conf conf
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation -e .
ENV PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
