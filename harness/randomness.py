"""Derived randomness: every generator is seeded from what it is for, never from what ran before.

A score therefore does not depend on order, sharding, worker count or on the proxies beside it.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_MAX_SEED = 2**63 - 1


def derive_seed(*parts: str | int) -> int:
    """Seed in [0, 2**63) from the sha256 of the parts, each written with its type and length."""
    digest = hashlib.sha256()
    for part in parts:
        text = f"{type(part).__name__}:{part}".encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return int.from_bytes(digest.digest()[:8], "little") & _MAX_SEED


def generator(*parts: str | int) -> torch.Generator:
    """CPU generator seeded by `derive_seed(*parts)`."""
    return torch.Generator().manual_seed(derive_seed(*parts))


@contextmanager
def isolated(*parts: str | int) -> Iterator[None]:
    """The one fork of the global generators: inside they are seeded by `parts`, afterwards they are as before."""
    seed = derive_seed(*parts)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    # Of GPUs that this process uses; fork_rng would begin to use every GPU of the machine, on the CPU too.
    of_gpus = torch.cuda.default_generators if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    gpu_states = [one.get_state() for one in of_gpus]
    on_mac = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            for one, state in zip(of_gpus, gpu_states, strict=True):
                one.set_state(state)
            if on_mac is not None:
                torch.mps.set_rng_state(on_mac)
