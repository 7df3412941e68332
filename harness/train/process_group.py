"""The process group that trains one network, as started by torchrun; a single process without torchrun."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from harness.errors import OptionError


@dataclass(frozen=True)
class ProcessGroup:
    """`rank` is in 0 to `size` - 1; rank 0 writes files and messages."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and messages."""
        return self.rank == 0

    def shards(self, n_shards: int) -> range:
        """The shards of a step that this process computes.

        Raises:
            OptionError: if the shards cannot be divided evenly.
        """
        if n_shards % self.size:
            raise OptionError(
                f"recipe.shards={n_shards} cannot be divided evenly among {self.size} processes; start torchrun with "
                "an --nproc_per_node that divides it."
            )
        own = n_shards // self.size
        return range(self.rank * own, (self.rank + 1) * own)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over the process group."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, broadcast_buffers=False)

    def without_averaging(self, network: nn.Module) -> AbstractContextManager[object]:
        """A context in which gradients accumulate locally, without communication."""
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()

    def sum(self, numbers: Tensor) -> Tensor:
        """The sum over the process group, in each process."""
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

    def share_statistics(self, network: nn.Module) -> None:
        """Replace running statistics by their mean over the process group."""
        if self.size > 1:
            for buffer in network.buffers():
                if buffer.is_floating_point():
                    distributed.all_reduce(buffer)
                    buffer /= self.size


@contextmanager
def gathered(device: torch.device) -> Iterator[tuple[ProcessGroup, torch.device]]:
    """This process's rank in the process group, and its device: the GPU of its local rank if there are GPUs.

    Raises:
        OptionError: if torchrun started more processes than there are GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup(), device
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise OptionError(
                f"torchrun started process {local + 1} on this machine, which has {torch.cuda.device_count()} GPUs."
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(distributed.get_rank(), distributed.get_world_size()), device
    finally:
        distributed.destroy_process_group()
