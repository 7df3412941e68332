"""The folder of a training run: the request in `provenance.json`, one line of `outcomes.jsonl` per finished cell.

A line is written at once when its cell is finished, so a killed run loses only the cells it was training.
"""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import sklearn
import torch
from filelock import FileLock, Timeout

from benchmarks.nats_tss.digits.fit import DigitsRun
from benchmarks.nats_tss.digits.recipe import Recipe
from harness.errors import MissingDataError, StoreError
from harness.files.atomic import write_whole
from harness.space import Architecture


class OutcomeFolder:
    """Outcomes of one recipe in `folder`, which need not exist."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder = folder
        self._recipe = recipe
        self._lines = folder / "outcomes.jsonl"
        self._provenance = folder / "provenance.json"

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Make the folder ready for appending and keep other runs out of it.

        Raises:
            StoreError: if another run holds it, or if it belongs to another recipe.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / "lock", timeout=0):
                if self._provenance.exists():
                    self.provenance()
                else:
                    self._write_provenance(command)
                self._drop_unfinished_line()
                yield
        except Timeout:
            raise StoreError(
                f"Another run is training into {self.folder}. Wait for it or choose another --out."
            ) from None

    def append(self, outcome: DigitsRun) -> None:
        """Write one finished cell."""
        with self._lines.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(outcome.as_json()) + "\n")

    def read(self) -> dict[Architecture, DigitsRun]:
        """All finished cells by canonical architecture.

        Raises:
            StoreError: if a line other than an unfinished last one cannot be read.
        """
        if not self._lines.exists():
            return {}
        text = self._lines.read_text(encoding="utf-8")
        found: dict[Architecture, DigitsRun] = {}
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            if not line.endswith("\n"):
                break
            try:
                outcome = DigitsRun.from_json(json.loads(line))
            except (ValueError, TypeError):
                raise StoreError(
                    f"Line {number} of {self._lines} is damaged. Delete that line and run again."
                ) from None
            found[outcome.arch] = outcome
        return found

    def provenance(self) -> dict[str, object]:
        """What `locked` wrote when the folder was new: recipe, software, command, start.

        Raises:
            MissingDataError: if nothing was trained into this folder.
            StoreError: if it belongs to another recipe.
        """
        if not self._provenance.exists():
            raise MissingDataError(f"{self.folder} has no finished networks yet; run without --collect first.")
        found: dict[str, object] = json.loads(self._provenance.read_text(encoding="utf-8"))
        if found["recipe"] != self._recipe.as_json():
            raise StoreError(f"{self.folder} contains outcomes of another recipe. Choose another --out.")
        return found

    def _write_provenance(self, command: str) -> None:
        text = json.dumps(
            {
                "recipe": self._recipe.as_json(),
                "software": {
                    "python": platform.python_version(),
                    "torch": torch.__version__,
                    "numpy": np.__version__,
                    "scikit-learn": sklearn.__version__,
                },
                "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
                "command": command,
                "started": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            indent=2,
        )
        write_whole(self._provenance, text.encode())

    def _drop_unfinished_line(self) -> None:
        if self._lines.exists():
            content = self._lines.read_bytes()
            os.truncate(self._lines, content.rfind(b"\n") + 1)
