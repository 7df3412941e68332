"""Count the networks of timm's table anew: `python -m benchmarks.timm_zoo.count FILE.jsonl [NPZ]`; it needs timm.

Every network is built and traced on the meta device, where nothing is computed, at each of its test sizes: about 0.7 s
each. FILE.jsonl is added to, so that an interrupted count goes on; NPZ, by default `layers.npz` beside the code, is
written from all that it holds.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.timm_zoo import library
from benchmarks.timm_zoo.counts import FIELDS, FILE
from benchmarks.timm_zoo.rows import LARGEST, Row, published_rows
from harness.progress import Progress
from harness.space import Layer

_N_CLASSES, _N_CHANNELS = 1000, 3
Key = tuple[str, int]


@dataclass(frozen=True)
class Counted:
    """A network of timm at a size: `structure` is equal for equal networks; `layers` as `FIELDS`, equal ones once."""

    network: str
    size: int
    depth: int
    structure: str
    layers: Sequence[Sequence[int]]

    @property
    def key(self) -> Key:
        """What was counted."""
        return self.network, self.size


def count(row: Row) -> Counted:
    """Trace the network of a row at its size."""
    body, traced = library.traced(row, _N_CLASSES, _N_CHANNELS)
    merged = merged_layers(traced.layers)
    return Counted(row.network, row.size, traced.depth, structure_of(body, traced.layers), merged)


def merged_layers(layers: Sequence[Layer]) -> list[list[int]]:
    """Layers as rows of integers in the order of `FIELDS`, each of the equal ones counted in `repeats`."""
    times: Counter[tuple[Any, ...]] = Counter()
    for layer in layers:
        times[layer.n_weights, layer.n_params, layer.flops, layer.live, layer.is_linear] += layer.repeats
    return [
        [weights, params, flops, int(live), n, int(lin)] for (weights, params, flops, live, lin), n in times.items()
    ]


def structure_of(body: nn.Module, layers: Sequence[Layer]) -> str:
    """A digest of the modules with their classes and settings, of all tensors' shapes, and of the traced operations."""
    digest = hashlib.sha256()
    for name, module in body.named_modules():
        kind = type(module)
        digest.update(f"{name}:{kind.__module__}.{kind.__qualname__}({module.extra_repr()})\n".encode())
    for name, tensor in [*body.named_parameters(), *body.named_buffers()]:
        digest.update(f"{name}:{tuple(tensor.shape)}{tensor.requires_grad}\n".encode())
    rows = [[int(value) for value in astuple(layer)] for layer in layers]
    return hashlib.sha256((digest.hexdigest()[:16] + json.dumps(rows)).encode()).hexdigest()[:16]


def packed(counted: Mapping[Key, Counted]) -> dict[str, NDArray[Any]]:
    """The arrays of `counts.FILE`; networks that are not counted have the number of none."""
    numbers: dict[tuple[str, int], int] = {}
    kept: list[Counted] = []
    network = []
    for row in published_rows():
        found = counted.get((row.network, row.size))
        if found is None:
            network.append(-1)
            continue
        if (found.structure, found.size) not in numbers:
            numbers[found.structure, found.size] = len(kept)
            kept.append(found)
        network.append(numbers[found.structure, found.size])
    lines = np.array([line for one in kept for line in one.layers], dtype=np.int64).reshape(-1, len(FIELDS))
    arrays = {name: lines[:, at] for at, name in enumerate(FIELDS)}
    arrays |= {
        "network": np.array(network, dtype=np.int64),
        "depth": np.array([one.depth for one in kept], dtype=np.int64),
        "starts": np.cumsum([0, *(len(one.layers) for one in kept)]),
    }
    return {name: _smallest(values) for name, values in arrays.items()}


def _smallest(values: NDArray[np.int64]) -> NDArray[Any]:
    return values.astype(np.min_scalar_type(int(values.max(initial=0)) if values.min(initial=0) >= 0 else -(2**15)))


def _read(path: Path) -> Iterator[Counted]:
    names = [field.name for field in fields(Counted)]
    for line in path.read_text(encoding="ascii").splitlines() if path.is_file() else ():
        found = json.loads(line)
        yield Counted(**{name: found[name] for name in names})


def main() -> int:
    """The command."""
    path, written = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else FILE
    counted = {one.key: one for one in _read(path)}
    rows = {(row.network, row.size): row for row in sorted(published_rows(), key=lambda row: row.size > LARGEST)}
    missing = [row for key, row in rows.items() if key not in counted]
    with path.open("a", encoding="ascii") as file, Progress("networks", len(missing), "networks") as bar:
        for row in missing:
            found = count(row)
            counted[found.key] = found
            file.write(json.dumps({field.name: getattr(found, field.name) for field in fields(found)}) + "\n")
            file.flush()
            bar.advance()
    arrays: dict[str, Any] = packed(counted)
    np.savez_compressed(written, **arrays)
    print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
