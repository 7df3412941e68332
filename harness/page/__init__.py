"""Page: runs as one folder of static HTML to explore, without a server. `python -m harness.page RUN ...`."""
