"""The processes that train one network together, as torchrun starts them; by itself a process is a crew of one."""

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
    """`rank` counts from 0 to `size` - 1; the first one writes and speaks."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def shards(self, n_shards: int) -> range:
        """Those of a step's shards that this process computes.

        Raises:
            OptionError: if they cannot be shared out evenly.
        """
        if n_shards % self.size:
            raise OptionError(
                f"recipe.shards={n_shards} cannot be shared out among {self.size} processes; start torchrun with "
                "--nproc_per_node a divisor of it."
            )
        own = n_shards // self.size
        return range(self.rank * own, (self.rank + 1) * own)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, whose gradients are averaged over the crew when they are computed."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, broadcast_buffers=False)

    def without_averaging(self, network: nn.Module) -> AbstractContextManager[object]:
        """Gradients computed inside stay this process's own until the next ones are averaged with them."""
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()

    def sum(self, numbers: Tensor) -> Tensor:
        """The sum over the crew, in each process."""
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

    def share_statistics(self, network: nn.Module) -> None:
        """Replace running statistics by their mean over the crew."""
        if self.size > 1:
            for buffer in network.buffers():
                if buffer.is_floating_point():
                    distributed.all_reduce(buffer)
                    buffer /= self.size


@contextmanager
def gathered(device: torch.device) -> Iterator[tuple[ProcessGroup, torch.device]]:
    """This process's place in the crew, and its device: the GPU of its own number where there are GPUs.

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
                f"torchrun started process {local + 1} here, but there are {torch.cuda.device_count()} GPUs."
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(distributed.get_rank(), distributed.get_world_size()), device
    finally:
        distributed.destroy_process_group()
