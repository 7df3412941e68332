"""The networks of NAS-Bench-BERT: encoders of ELECTRA's kind. arXiv:2306.00288, Section 4.

Tokens go in, the last hidden state comes out: the benchmark defines no head. That of masked language modelling is an
addition, ELECTRA's (arXiv:2003.10555): hidden size to the embeddings' width, then the table of words, shared.
"""

from typing import cast

import torch
from torch import Tensor, nn

from benchmarks.inputs.glue import LONGEST, VOCABULARY
from benchmarks.nasbench_bert.operations import NORM_EPS, Dropout, Residual, operation_of
from benchmarks.nasbench_bert.structure import LayerPlan, Plan

EMBEDDING_WIDTH = 128
N_TYPES = 2
PADDING = 0
INITIAL_SD = 0.02


class VectorTable(nn.Embedding):
    """An embedding whose vectors the network draws: on the meta device, torch imports half a compiler for its own."""

    def reset_parameters(self) -> None:
        """Nothing."""


class Embeddings(nn.Module):
    """Words, positions and types of segments (all 0) -> [batch, length, hidden]."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.words = VectorTable(VOCABULARY, EMBEDDING_WIDTH, padding_idx=PADDING)
        self.positions = VectorTable(LONGEST, EMBEDDING_WIDTH)
        self.types = VectorTable(N_TYPES, EMBEDDING_WIDTH)
        self.norm = nn.LayerNorm(EMBEDDING_WIDTH, NORM_EPS)
        self.dropout = Dropout()
        self.projection = nn.Identity() if hidden == EMBEDDING_WIDTH else nn.Linear(EMBEDDING_WIDTH, hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        found = self.words(tokens) + self.positions(places) + self.types(torch.zeros_like(tokens))
        return cast(Tensor, self.projection(self.dropout(self.norm(found))))


class Encoder(nn.Module):
    """One layer: its operation, then feed-forward layers with GELU between them."""

    def __init__(self, plan: LayerPlan, hidden: int) -> None:
        super().__init__()
        self.operation = operation_of(plan, hidden)
        layers: list[nn.Module] = []
        before = hidden
        for width in plan.widths:
            layers += [nn.Linear(before, width), nn.GELU()]
            before = width
        self.feed_forward = nn.Sequential(*layers, nn.Linear(before, hidden))
        self.residual = Residual(hidden)

    def forward(self, features: Tensor) -> Tensor:
        mixed = self.operation(features)
        return cast(Tensor, self.residual(self.feed_forward(mixed), mixed))


class TokenHead(nn.Module):
    """Hidden states -> logits [batch, length, n_words], by the table of words."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, EMBEDDING_WIDTH)
        self.act = nn.GELU()
        self.norm = nn.LayerNorm(EMBEDDING_WIDTH, NORM_EPS)
        self.bias = nn.Parameter(torch.zeros(VOCABULARY))

    def forward(self, features: Tensor, words: Tensor) -> Tensor:
        return nn.functional.linear(self.norm(self.act(self.dense(features))), words, self.bias)


class BertNetwork(nn.Module):
    """Tokens int64 [batch, length] -> the last hidden state [batch, length, hidden], or logits of words with a head.

    Initial weights are those of the authors' code: N(0, 0.02^2), biases zero, the padding word zero.
    """

    def __init__(self, plan: Plan, *, has_head: bool) -> None:
        super().__init__()
        with torch.device("meta"):  # nothing is drawn twice
            self.embeddings = Embeddings(plan.hidden)
            self.layers = nn.ModuleList(Encoder(layer, plan.hidden) for layer in plan.layers)
            self.head = TokenHead(plan.hidden) if has_head else None
        self.cells = ("embeddings", *(f"layers.{at}" for at in range(len(plan.layers))))
        self.to_empty(device="cpu")
        self._draw()

    def forward(self, tokens: Tensor) -> Tensor:
        features = self.embeddings(tokens)
        for layer in self.layers:
            features = layer(features)
        return features if self.head is None else cast(Tensor, self.head(features, self.embeddings.words.weight))

    @torch.no_grad()
    def _draw(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.reset_parameters()
                continue
            for name, parameter in module.named_parameters(recurse=False):
                if name == "bias":
                    parameter.zero_()
                else:
                    parameter.normal_(0, INITIAL_SD)
        self.embeddings.words.weight[PADDING] = 0
