"""Attention and feed-forward layers are found in transformers of any make, and nothing is found elsewhere."""

import pytest
import torch
from torch import Tensor, nn
from toy_transformers import VisionTransformer

from harness.evidence.transformer_parts import TransformerBlock, blocks_of
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS
from harness.space.own_network import OwnNetwork


def found(body: nn.Module) -> list[TransformerBlock]:
    return blocks_of(OwnNetwork(body, "it", "a test", (), lambda seed: body))


def test_torchs_own_layers_pack_queries_keys_and_values() -> None:
    (block,) = found(nn.Sequential(nn.Linear(3, 8), nn.TransformerEncoderLayer(8, 2, 12), nn.Linear(8, 10)))
    (attention,) = block.attention
    assert block.name == "1"
    assert attention.name == "1.self_attn"
    assert attention.inner == ("1.self_attn.in_proj_weight",)
    assert attention.outer == ("1.self_attn.out_proj",)
    assert block.feed_forward == ("1.linear1", "1.linear2")


def test_a_decoders_layer_has_two_attentions_and_one_feed_forward_part() -> None:
    (block,) = found(nn.ModuleList([nn.TransformerDecoderLayer(8, 2, 12)]))
    assert [one.name for one in block.attention] == ["0.self_attn", "0.multihead_attn"]
    assert block.feed_forward == ("0.linear1", "0.linear2")


def test_a_packed_linear_layer_with_its_output() -> None:
    blocks = found(VisionTransformer())
    assert [block.name for block in blocks] == ["blocks.0", "blocks.1"]
    (attention,) = blocks[0].attention
    assert attention.projections == attention.inner == ("blocks.0.attn.qkv",)
    assert attention.outer == ("blocks.0.attn.proj",)
    assert blocks[0].feed_forward == ("blocks.0.fc1", "blocks.0.fc2")


class Nested(nn.Module):
    """Modules of modules, as in libraries of language models: the output layer sits beside the attention's own."""

    def __init__(self) -> None:
        super().__init__()
        inner = nn.ModuleDict({name: nn.Linear(8, 8) for name in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"self": inner, "output": nn.ModuleDict({"dense": nn.Linear(8, 8)})})
        self.intermediate, self.output = nn.Linear(8, 16), nn.Linear(16, 8)


def test_an_output_layer_in_a_module_of_its_own_belongs_to_the_attention() -> None:
    first, second = found(nn.ModuleDict({"layer": nn.ModuleList([Nested(), Nested()]), "pool": nn.Linear(8, 8)}))
    assert first.attention[0].outer == ("layer.0.attention.output.dense",)
    assert first.feed_forward == ("layer.0.intermediate", "layer.0.output")
    assert second.name == "layer.1"


def test_attention_and_feed_forward_parts_in_lists() -> None:
    attention = nn.ModuleDict({"to_q": nn.Linear(8, 8), "to_kv": nn.Linear(8, 16), "to_k": nn.Linear(8, 8)})
    forward = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 24), nn.GELU(), nn.Linear(24, 8))
    (block,) = found(nn.ModuleList([nn.ModuleList([attention, forward]), nn.Linear(8, 2)]))
    assert block.name == "0"
    assert block.feed_forward == ("0.1.1", "0.1.3")
    assert set(block.attention[0].inner) == {"0.0.to_q", "0.0.to_kv", "0.0.to_k"}


def test_a_head_is_no_feed_forward_layer() -> None:
    (block,) = found(nn.ModuleList([nn.Linear(4, 8), nn.MultiheadAttention(8, 2), nn.Linear(8, 10)]))
    assert block.feed_forward == ()


def test_a_network_without_attention_has_no_blocks() -> None:
    assert found(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))) == []


class Mixer(nn.Module):
    """No attention, but declared to mix tokens."""

    token_projections = ("into",)

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = torch.fft.fft(self.into(x), dim=1).real
        return found


def test_other_operations_between_tokens_declare_themselves() -> None:
    layer = nn.ModuleDict({"mix": Mixer(), "up": nn.Linear(8, 16), "down": nn.Linear(16, 8)})
    (block,) = found(nn.ModuleDict({"layer": layer, "head": nn.Linear(8, 2)}))
    assert block.attention[0].inner == ("layer.mix.into",)
    assert block.feed_forward == ("layer.up", "layer.down")


@pytest.mark.parametrize("name", ["nasbench_bert", "nasbench_bert_declared", "nasbench_bert_trained"])
def test_every_layer_of_nasbench_bert_is_a_block(name: str) -> None:
    space = BENCHMARKS.get(name)
    for arch in (space.architectures[0], space.architectures[3]):
        blocks = blocks_of(space.network(arch, DATA_SETS.get("glue")))
        declared = arch.partition("~")[0].split("|")[1:]
        assert len(blocks) == len(declared)
        for block, layer in zip(blocks, declared, strict=True):
            assert len(block.attention) == 1
            assert len(block.feed_forward) == 1 + int(layer[-1])
