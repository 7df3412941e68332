"""Derived randomness: every generator is seeded from what it is for, never from what ran before.

A score therefore does not depend on order, sharding, worker count or on the proxies beside it.
"""

import hashlib

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
