"""What a GPU does while something runs, as nvidia-smi tells it."""

import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from shutil import which
from threading import Thread
from types import TracebackType
from typing import Self


@dataclass
class Utilisation:
    """A context in which nvidia-smi is read five times a second; nothing where there is none.

    Attributes:
        device: cuda or cuda:N.
        shares: of the time in which kernels ran, in percent.
        mebibytes: of the GPU's memory that are taken, by all processes; `before`: when the context was made.
    """

    device: str
    shares: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._words = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
        self._words += ["-i", self.device.partition(":")[2] or "0"]
        self._is_there = self.device.startswith("cuda") and which("nvidia-smi") is not None
        self.before = 0.0
        if self._is_there:
            done = subprocess.run(self._words, capture_output=True, text=True, check=False)
            with suppress(ValueError):
                self.before = float(done.stdout.partition(",")[2])

    @property
    def share(self) -> float | None:
        """The mean share of the time in which kernels ran, in percent; None where nothing was read."""
        return sum(self.shares) / len(self.shares) if self.shares else None

    def __enter__(self) -> Self:
        self._run: subprocess.Popen[str] | None = None
        if self._is_there:
            self._run = subprocess.Popen([*self._words, "-lms", "200"], stdout=subprocess.PIPE, text=True)
            Thread(target=self._read, args=(self._run,), daemon=True).start()
        return self

    def _read(self, run: "subprocess.Popen[str]") -> None:
        assert run.stdout is not None
        for line in run.stdout:
            with suppress(ValueError):
                share, mebibytes = map(float, line.split(","))
                self.shares.append(share)
                self.mebibytes.append(mebibytes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._run is not None:
            self._run.terminate()
            self._run.wait()
