"""Private networks: for passes that cannot be shared with other proxies, with their own inputs or initial weights."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from time import thread_time
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor, nn

from harness.errors import PlugInError
from harness.evidence.base import EVIDENCE, Evidence, Subject, Undefined
from harness.evidence.coverage import Coverage, share
from harness.evidence.elementwise import ElementwiseReader
from harness.evidence.task import fitted_loss
from harness.inputs import Batch
from harness.protocol import Mode
from harness.randomness import derive_seed, generator, isolated
from harness.space import Execute, ModelSpace
from harness.space.initialise import Initialisation, initialise
from harness.space.own_network import OwnNetwork

T = TypeVar("T")
Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]


@dataclass(frozen=True)
class _NotThere:
    """Why there is nothing to return; the exception itself would keep the network alive."""

    reason: str


@EVIDENCE.register("private_network")
class PrivateNetwork(Evidence):
    """Networks of the architecture that a proxy may run and change freely, and noise inputs for them.

    All draws are derived from the context's seed and their purpose; noise is the same for all architectures. The
    proxy's computations with the network are timed as its own. No activations are held here: memory is what they hold.
    """

    shared_pass: ClassVar[str] = "private network"
    shares_network: ClassVar[bool] = False
    uses: ClassVar[frozenset[str]] = frozenset({"protocol", "seed"})

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.seconds = 0.0
        self.made: dict[Hashable, Any] = {}

    @property
    def device(self) -> torch.device:
        """The device of networks and tensors."""
        return self._subject.context.device

    def network(
        self,
        *,
        init: Initialisation | None = None,
        draw: int = 0,
        training: bool = True,
        execute: Execute | None = None,
    ) -> nn.Module:
        """A new, unused network in the protocol's dtype.

        Args:
            init: initialisation of the weights, by default that of the protocol, as in the shared network.
            draw: index of one of many independent draws of the weights.
            training: whether normalisation uses batch statistics, regardless of the protocol's mode, because proxies
                with their own inputs also define this.
            execute: the operations that run, by default those that the proxy sees.
        """
        init = init or self._subject.context.protocol.init
        return self._subject.build(init=init, seed=self._seed_of(draw), execute=execute).train(training)

    def networks(self, n_draws: int, *, init: Initialisation) -> Iterator[nn.Module]:
        """`network` with the draws 0, 1, ... in turn, reusing one network: each draw invalidates the previous one."""
        network = self.network(init=init)
        for draw in range(n_draws):
            if draw:
                initialise(network, init=init, seed=self._seed_of(draw))
            yield network

    def _seed_of(self, draw: int) -> int:
        seed = self._subject.context.seed
        return seed if draw == 0 else derive_seed("draw", seed, draw)

    def generator(self, *purpose: str | int) -> torch.Generator:
        """A CPU generator for one purpose, the same for all architectures."""
        return generator("private", self._subject.context.seed, self._subject.context.data_set.name, *purpose)

    def noise(self, n_images: int, size: int | None = None, draw: int = 0) -> Tensor:
        """N(0,1) [n_images, channels, size, size] in the protocol's dtype; by default of the size of the images.

        Raises:
            Undefined: if the inputs are indices, or a size is given and they are no images.
        """
        data_set = self._subject.context.data_set
        if data_set.has_indices:
            raise Undefined("the inputs are indices, and noise is none")
        shape = (n_images, *data_set.shape)
        if size is not None:
            if len(data_set.shape) != 3:
                raise Undefined(f"the inputs are no images, which could be of {size} x {size} pixels")
            shape = (n_images, data_set.shape[0], size, size)
        return self._to_run(torch.randn(shape, generator=self.generator("noise", *shape, draw), dtype=torch.float32))

    def ones(self) -> Tensor:
        """One input [1, *shape] of ones.

        Raises:
            Undefined: if the inputs are indices.
        """
        data_set = self._subject.context.data_set
        if data_set.has_indices:
            raise Undefined("the inputs are indices, and an input of ones is none")
        return self._to_run(torch.ones(1, *data_set.shape))

    def _to_run(self, images: Tensor) -> Tensor:
        return self._subject.to_run(images)

    @torch.no_grad()
    def cover_activations(self, network: nn.Module, images: Tensor) -> None:
        """State how many of the activations of a network of the user's own are read; once, by a pass of its own."""
        if isinstance(network, OwnNetwork) and self.coverage is None:
            reader = ElementwiseReader(len(images), lambda units: None)
            with reader:
                run(network, images)
            self.coverage = Coverage(activations=share(reader.n_read, reader.n_read + reader.n_unread))

    def once(self, request: Hashable, compute: Callable[[], T]) -> T:
        """What `compute` returns: done once for all proxies that request it, and timed in full for each.

        Raises:
            Undefined: each time, if `compute` did.
        """
        if request not in self.made:
            started = thread_time()
            subject = self._subject
            # A network of the user's own may draw random numbers as it runs; who asks first must not matter.
            is_own = isinstance(subject.context.space, ModelSpace)
            apart = isolated("shared", subject.context.seed, subject.arch, self.shared_pass)
            try:
                with apart if is_own else nullcontext():
                    self.made[request] = compute()
            except Undefined as error:
                self.made[request] = _NotThere(str(error))
            finally:
                self.seconds += thread_time() - started
        made: T | _NotThere = self.made[request]
        if isinstance(made, _NotThere):
            raise Undefined(made.reason)
        return made

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`; nothing runs yet."""
        return [kind(subject) for kind in kinds]


@EVIDENCE.register("private_network_and_images")
class PrivateNetworkAndImages(PrivateNetwork):
    """`PrivateNetwork`, with as many of the protocol's images as the definition of a proxy requires."""

    uses: ClassVar[frozenset[str]] = frozenset({"inputs", "protocol", "seed"})

    def images(self, n_images: int) -> Tensor:
        """The first images [n_images, *shape] of the protocol's batches; fewer if the protocol has fewer."""
        return self._to_run(self._pooled.images[:n_images])

    def batches(self) -> list[tuple[Tensor, Tensor]]:
        """Copies of the protocol's batches, images and targets, that may be changed; images in row-major layout."""
        return [
            (
                self._to_run(batch.images).clone(memory_format=torch.contiguous_format),
                batch.targets.to(self.device).clone(),
            )
            for batch in self._subject.context.batches
        ]

    @property
    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The data set's own loss of outputs and targets."""
        return self._subject.context.data_set.loss

    @property
    def n_classes(self) -> int:
        """Of the data set."""
        return self._subject.context.data_set.n_classes

    @property
    def in_train_mode(self) -> bool:
        """Whether the protocol scores networks in train mode."""
        return self._subject.context.protocol.mode is Mode.train

    def random_inputs(self, n_images: int, size: int) -> Tensor:
        """N(0,1) images [n_images, channels, size, size]; of inputs that are no images N(0,1), tokens the protocol's.

        Images have the data set's own size where networks may take no other, as the user's own, or targets are images.
        """
        context = self._subject.context
        if context.data_set.has_indices:
            return self.images(n_images)
        targets = context.data_set.random_targets(1, self.generator("random targets"))
        is_free = len(context.data_set.shape) == 3 and targets.dim() <= 2 and not isinstance(context.space, ModelSpace)
        return self.noise(n_images, size if is_free else None)

    def random_loss(self, network: nn.Module, outputs: Tensor) -> Tensor:
        """The data set's loss of outputs [n, ...] for random targets, the same for all architectures."""
        data_set = self._subject.context.data_set
        targets = data_set.random_targets(len(outputs), self.generator("random targets")).to(outputs.device)
        if isinstance(network, OwnNetwork):
            return fitted_loss(network, data_set, outputs, targets)
        return data_set.loss(outputs, targets)

    def losses(self, network: nn.Module, n_batches: int) -> Iterator[Tensor]:
        """The losses of a network on the protocol's images, divided into smaller batches of equal size.

        Raises:
            Undefined: if there are fewer images than batches.
        """
        size = len(self._pooled.images) // n_batches
        if not size:
            raise Undefined(f"{n_batches} batches need as many images; the protocol has {len(self._pooled.images)}")
        for start in range(0, n_batches * size, size):
            images = self._to_run(self._pooled.images[start : start + size])
            targets = self._pooled.targets[start : start + size].to(self.device)
            outputs, data_set = run(network, images), self._subject.context.data_set
            if isinstance(network, OwnNetwork):
                yield fitted_loss(network, data_set, outputs, targets)
            else:
                yield data_set.loss(outputs, targets)

    @cached_property
    def _pooled(self) -> Batch:
        batches = self._subject.context.batches
        return Batch(torch.cat([batch.images for batch in batches]), torch.cat([batch.targets for batch in batches]))


def pooled_features(network: nn.Module, images: Tensor) -> Tensor:
    """The input of the network's global average pooling: [n_images, channels, height, width].

    Raises:
        Undefined: if there is no such pooling, as in networks whose output is an image.
    """
    pools = [module for module in network.modules() if isinstance(module, nn.AdaptiveAvgPool2d)]
    found: list[Tensor] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found.append(inputs[0])

    with hooked(pools, see):
        run(network, images)
    if not found:
        raise Undefined("the network has no global average pooling, before which its features are read")
    return found[-1]


def run(network: nn.Module, images: Tensor) -> Tensor:
    """The output of a network.

    Raises:
        Undefined: if a batch of one image has a feature map of one pixel in train mode.
    """
    try:
        output: Tensor = network(images)
    except (ValueError, PlugInError) as error:
        if "more than 1 value per channel" in str(error):
            raise Undefined("batch normalisation of one image with one pixel has no variance") from error
        raise
    return output


@contextmanager
def hooked(modules: Sequence[nn.Module], hook: Hook) -> Iterator[None]:
    """`hook(module, inputs, output)` after each call of one of the modules; its return value replaces the output."""
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
