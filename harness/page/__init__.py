"""Page: runs as a folder of interactive static HTML, without a server. `python -m harness.page RUN ...`."""
