"""Changes of records, as somebody would make them by hand."""

import hashlib
import json
from pathlib import Path

from harness.records.files import Scores, read_record, read_scores, table_bytes
from harness.verify import main


def changed(folder: Path, *path: str, value: object) -> None:
    """Write another value into record.json."""
    file = folder / "record.json"
    values = json.loads(file.read_text())
    at = values
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    file.write_text(json.dumps(values))


def words(capsys, *typed: object) -> tuple[int, str, str]:
    code = main([str(word) for word in typed])
    captured = capsys.readouterr()
    return code, captured.out, captured.err.replace("\r", "\n").strip().split("\n")[-1]


def rescored(folder: Path, change) -> None:
    """Write other scores into a record's table, with the digests that belong to them."""
    scores = read_scores(read_record(folder))
    ((seed, values),) = scores.by_seed.items()
    other = Scores(scores.index, {seed: change(values.copy())})
    content = table_bytes(other)
    (folder / "scores.parquet").write_bytes(content)
    changed(folder, "scores", "sha256", value=hashlib.sha256(content).hexdigest())
    changed(folder, "scores", "values_sha256", value=other.values_sha256)
