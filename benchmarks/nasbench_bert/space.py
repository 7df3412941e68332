"""NAS-Bench-BERT: 500 encoders fine-tuned on GLUE. Serianni and Kalita, ACL 2023, arXiv:2306.00288.

The networks are those of the authors' code (https://github.com/aaronserianni/training-free-nas, commit 2d76e01).
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from torch import nn

from benchmarks.inputs.glue import LONGEST, VOCABULARY
from benchmarks.nasbench_bert import counts
from benchmarks.nasbench_bert.network import BertNetwork
from benchmarks.nasbench_bert.structure import (
    NAMES,
    OPERATIONS,
    OPTIONS,
    Plan,
    Structure,
    as_declared,
    as_measured,
    as_trained,
    choices_of,
    declared,
    doubled,
    n_chosen,
    read,
    structure_of,
    trained,
    write,
)
from benchmarks.trained_codes import read_choices
from harness.inputs import LOSSES, MASKED, OUTPUT_SUM, DataSet
from harness.space import BENCHMARKS, Architecture, Choices, Layer, PublishedModels, SampledSpace
from harness.space.graph import ArchitectureGraph
from harness.space.positions import Position, numbered

_TRAINED = Path(__file__).parent / "trained.txt"
_AGAIN = "~"
_OPERATION = "_operation"


class BertReading(SampledSpace, PublishedModels):
    """500 trained encoders of two or four layers; what network a string stands for is said by a subclass.

    A string that was drawn and trained again has the number of the training after it, `~2`; nine have.
    """

    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("glue",)
    default_truth: ClassVar[Mapping[str, str | Sequence[str]]] = {"glue": "glue"}
    populations: ClassVar[Mapping[str, str]] = {
        "all": "every trained encoder",
        "canonical": "one trained encoder of each canonical class, the first in official order",
    }
    options: ClassVar[Sequence[Sequence[int]]] = OPTIONS
    choice_names: ClassVar[Sequence[str]] = NAMES

    @abstractmethod
    def form(self, made: Structure) -> Structure:
        """The structure that stands for all with the same network."""

    @abstractmethod
    def plan(self, made: Structure) -> Plan:
        """The network of a structure."""

    @cached_property
    def architectures(self) -> Sequence[Architecture]:  # type: ignore[override]  # a user's space lists them as it is
        """The trained ones, in the order of the published file."""
        times: Counter[str] = Counter()
        found = []
        for choices in read_choices(_TRAINED, OPTIONS):
            arch = self.of_choices(choices)
            times[arch] += 1
            found.append(arch if times[arch] == 1 else Architecture(f"{arch}{_AGAIN}{times[arch]}"))
        return tuple(found)

    def __contains__(self, arch: str) -> bool:
        return arch in self._places or super().__contains__(arch)

    def choices(self, arch: str) -> Choices:
        return choices_of(_structure(arch))

    def of_choices(self, choices: Choices) -> Architecture:
        return Architecture(write(structure_of(choices)))

    @cached_property
    def positions(self) -> Sequence[Position]:
        """One for each choice; operations are called as in the string. Of two layers, layers 3 and 4 repeat them."""
        found = numbered(self.choice_names, self.options)
        return tuple(
            Position(position.name, OPERATIONS) if position.name.endswith(_OPERATION) else position
            for position in found
        )

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        named = zip(self.choice_names, self.choices(arch), strict=True)
        return [(OPERATIONS[value] if name.endswith(_OPERATION) else str(value),) for name, value in named]

    def canonical(self, arch: Architecture) -> Architecture:
        """The first trained architecture with the same network; of others a string that stands for all of them."""
        form = write(self.form(_structure(self.check(arch))))
        return self._firsts.get(form, Architecture(form))

    def trained_forms(self, archs: Sequence[Architecture]) -> Sequence[str]:
        """The networks of `nasbench_bert_trained`, in every reading: the truth is of these."""
        return [write(as_trained(_structure(arch))) for arch in archs]

    @cached_property
    def _firsts(self) -> dict[str, Architecture]:
        """The first trained architecture of each form."""
        found: dict[str, Architecture] = {}
        for arch in self.architectures:
            found.setdefault(write(self.form(_structure(arch))), arch)
        return found

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """One choice changed to any other value; a network of two layers is near to the one with each of them twice."""
        made = _structure(self.check(arch))
        choices = choices_of(made)
        places = [place for place in range(n_chosen(made)) if place != 1 or len(made.layers) == 2 or doubled(made)]
        return tuple(
            self.of_choices((*choices[:place], value, *choices[place + 1 :]))
            for place in places
            for value in self.options[place]
            if value != choices[place]
        )

    def unfit(self, data_set: DataSet) -> str:
        n_tokens = data_set.n_tokens
        if len(data_set.parts) != 1 or not data_set.has_indices or len(data_set.shape) != 1:
            return "its networks take one sequence of tokens, and neither images nor further inputs"
        if n_tokens is not None and n_tokens > VOCABULARY:
            return f"its networks know {VOCABULARY:,} tokens, and the data has {n_tokens:,}"
        if data_set.shape[0] > LONGEST:
            return f"its networks take at most {LONGEST} tokens, and a sequence of the data has {data_set.shape[0]:,}"
        if data_set.loss_label in LOSSES and data_set.loss_label not in (OUTPUT_SUM, MASKED):
            return (
                f"its networks have no head for loss={data_set.loss_label}; use loss={OUTPUT_SUM}, or with a target at "
                f"each position loss={MASKED}"
            )
        return ""

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        """Of the encoder; a head, which the benchmark does not define, is not counted."""
        return tuple(counts.layers(self._plan(arch), data_set.shape[0]))

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        return counts.depth(self._plan(arch))

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """In addition to params and flops: `layers`, and the sums over layers of heads and feed-forward layers."""
        made = _structure(self.check(arch)).layers
        further = {
            "layers": len(made),
            "heads": sum(layer.heads for layer in made),
            "feed_forward_layers": sum(layer.n_feed_forward for layer in made),
        }
        return super().costs(arch, data_set) | further

    def build(self, arch: str, data_set: DataSet) -> nn.Module:
        """The network, with a head over words if the loss is that of masked language modelling."""
        return BertNetwork(self._plan(arch), has_head=data_set.loss_label == MASKED)

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        plan = self._plan(self.check(arch))
        labels = [f"embeddings\n{VOCABULARY:,} tokens\nhidden {plan.hidden}"]
        for layer in plan.layers:
            widths = " ".join(map(str, layer.widths))
            labels.append(f"{layer.operation}\n{layer.heads} heads\nfeed-forward\n{widths}")
        caption = (
            f"The network that {self.name} builds. Of each layer: operation, heads, widths of its feed-forward part."
        )
        return ArchitectureGraph.chain([*labels, "last hidden state"], caption)

    def _plan(self, arch: str) -> Plan:
        return self.plan(_structure(arch))


class NasbenchBert(BertReading):
    """500 encoders fine-tuned on GLUE: the networks on which all published scores were measured.

    Each of two or four layers is attention, a Fourier or cosine transform, or a dynamic convolution, and feed-forward
    layers. Three networks hide under one name. Those of `nasbench_bert` are what the authors' PyTorch code builds, and
    their published numbers of parameters: hidden size 256 and feed-forward width 1024, whatever was declared.
    `nasbench_bert_declared` has the published hyperparameters. `nasbench_bert_trained` is what the public TensorFlow
    code makes of them, plain attention in every layer, by the reading of that code; that this version of it ran is not
    proven. All three have the same truth, and in each its repetitions are the equal networks of the trained reading.

    The benchmark defines no head. By default the loss is the sum of the last hidden state, as in the published scores.
    That state is the output of a normalisation, over which the sum is constant: **gradients of everything before its
    own scale and shift are rounding noise**. So are the published scores made of them: Synaptic Diversity, Synaptic
    Saliency, Jacobian Score and Head Importance, each with its normalised form; Activation Distance, Head Confidence
    and Head Softmax Confidence, of the forward pass alone, are not. Use loss=masked_language_modelling for gradients
    that mean something: its head and its random targets are an addition. Inputs are random tokens, no text.

    Nine strings were drawn and trained twice: the second has `~2` after it. `dev_rte` of number 47 is 0.0 (a failed or
    missing run) and is part of its mean; CoLA is exactly 0 in 53 rows.
    Serianni and Kalita, ACL 2023, arXiv:2306.00288; data CC BY 4.0.
    """

    name: ClassVar[str] = "nasbench_bert"

    def form(self, made: Structure) -> Structure:
        return as_measured(made)

    def plan(self, made: Structure) -> Plan:
        return declared(as_measured(made))


class NasbenchBertDeclared(BertReading):
    """NAS-Bench-BERT with the networks that its published hyperparameters declare; see `nasbench_bert`.

    Neither the published scores nor, by the reading of the public code, the published truth are of these networks.
    """

    name: ClassVar[str] = "nasbench_bert_declared"

    def form(self, made: Structure) -> Structure:
        return as_declared(made)

    def plan(self, made: Structure) -> Plan:
        return declared(made)


class NasbenchBertTrained(BertReading):
    """NAS-Bench-BERT with the networks that the public code of its training makes; see `nasbench_bert`.

    Every layer is plain attention, the first feed-forward layer has 4 times the hidden size, and the declared width is
    of the second and third alone: 301 networks, 77 of which were trained more than once.
    """

    name: ClassVar[str] = "nasbench_bert_trained"

    def form(self, made: Structure) -> Structure:
        return as_trained(made)

    def plan(self, made: Structure) -> Plan:
        return trained(made)


def _structure(arch: str) -> Structure:
    """The structure of a string, the number of its training left aside."""
    return read(arch.partition(_AGAIN)[0])


BENCHMARKS.register("nasbench_bert")(NasbenchBert())
BENCHMARKS.register("nasbench_bert_declared")(NasbenchBertDeclared())
BENCHMARKS.register("nasbench_bert_trained")(NasbenchBertTrained())
