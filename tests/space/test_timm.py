"""timm's zoo: rows, populations by recipe, counts, equal networks, inputs of own sizes, timm that is lacking."""

import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
import torch

from benchmarks.timm_zoo import library
from benchmarks.timm_zoo.count import count
from benchmarks.timm_zoo.counts import is_counted, layers_of
from benchmarks.timm_zoo.populations import rows_of
from benchmarks.timm_zoo.rows import published_rows, read_row, tags
from harness.errors import MissingDataError, OptionError, PlugInError, UnknownNameError
from harness.evidence import Subject
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, Batch, BatchRequest, InputKind, draw_batches
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture
from harness.store import OK

ZOO, IMAGENET = BENCHMARKS.get("timm"), DATA_SETS.get("imagenet")


@pytest.fixture(scope="module")
def timm():
    try:
        return library.imported()
    except MissingDataError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def oracle(truth_oracle):
    with np.load(truth_oracle / "timm_imagenet.npz", allow_pickle=False) as table:
        return {name: table[name] for name in ("tag", "arch", "params_built_1_0_31", "param_count_m")}


def test_names_consist_of_network_recipe_and_size(oracle):
    rows = published_rows()
    assert [row.tag for row in rows] == [tag.decode() for tag in oracle["tag"]]
    assert [row.network for row in rows] == [arch.decode() for arch in oracle["arch"]]
    assert (len(rows), len({row.model for row in rows}), len({row.network for row in rows})) == (1_556, 1_266, 900)
    assert len(tags()) == 178
    assert tags()[0] == "in1k"


def test_populations_have_each_model_once_and_a_recipe_each_network_once():
    assert ZOO.members("models").sum() == 807
    assert ZOO.members("any_size").sum() == 1_266
    assert ZOO.members("all").sum() == 1_556
    assert (ZOO.members("ra2_in1k").sum(), ZOO.members("ra2_in1k_any_size").sum()) == (12, 38)
    assert "459 models tested above 224 pixels alone are left out" in ZOO.populations["models"]
    for tag in tags():
        networks = [row.network for row in rows_of(tag)]
        assert len(set(networks)) == len(networks)
        assert all(row.size <= 224 and row.tag == tag for row in rows_of(tag))
    assert max(row.size for row in rows_of("models")) == 224 < max(row.size for row in rows_of("any_size"))


def test_a_model_is_found_by_timms_name_and_a_wrong_size_is_told():
    assert ZOO.find("resnet50.a1_in1k") == "resnet50.a1_in1k@224"
    assert ZOO.find("resnet50.a1_in1k@288") == "resnet50.a1_in1k@288"
    assert ZOO.notations["model"].write(Architecture("resnet50.a1_in1k@288")) == "resnet50.a1_in1k@288"
    assert ZOO.notations["model"].write(Architecture("resnet50.a1_in1k@224")) == "resnet50.a1_in1k"
    tested = (
        r"^'resnet50\.a1_in1k@256' is not an architecture of timm: resnet50\.a1_in1k was tested at 288 and 224 pixels"
    )
    for reads in (ZOO.check, ZOO.find):
        with pytest.raises(UnknownNameError, match=tested):
            reads("resnet50.a1_in1k@256")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'resnet50\."):
        ZOO.find("resnet50.a9_in1k@224")


def test_parameters_are_timms_and_those_of_the_table_on_every_counted_row(oracle):
    built, published = oracle["params_built_1_0_31"], oracle["param_count_m"]
    counted = [number for number in range(1_556) if is_counted(number)]
    found = np.array([sum(layer.n_params * layer.repeats for layer in layers_of(number)) for number in counted])
    assert len(counted) > 300
    assert (found == built[counted]).sum() == len(counted)
    assert (np.abs(found / 1e6 - published[counted]) <= 0.005001).sum() == len(counted)


@pytest.mark.long
def test_parameters_of_every_row_are_those_that_timm_builds(timm, oracle):
    found: dict[str, int] = {}
    for row in published_rows():
        if row.network not in found:
            with torch.device("meta"):
                found[row.network] = sum(tensor.numel() for tensor in library.built(row, 1000, 3).parameters())
    built = oracle["params_built_1_0_31"]
    equal = sum(found[row.network] == params for row, params in zip(published_rows(), built, strict=True))
    assert equal == 1_556


# Multiply-accumulates in G as published: ResNet by torchvision, the others by their papers.
@pytest.mark.parametrize(
    ("arch", "flops"),
    [
        ("resnet18.a1_in1k@224", 1.81),
        ("efficientnet_b0.ra_in1k@224", 0.39),
        ("mobilenetv2_100.ra_in1k@224", 0.30),
        ("regnetx_002.pycls_in1k@224", 0.20),
    ],
)
def test_flops_are_the_published_ones(arch, flops):
    assert ZOO.flops(ZOO.check(arch), IMAGENET) / 1e9 == pytest.approx(flops, abs=0.03)


def test_equal_networks_are_one_whatever_their_recipe_and_other_sizes_are_others():
    forms = {tag: ZOO.canonical(ZOO.check(f"resnet18.{tag}@224")) for tag in ("a1_in1k", "tv_in1k", "gluon_in1k")}
    assert len(set(forms.values())) == 1
    assert ZOO.canonical(ZOO.check("resnet18.a1_in1k@288")) not in forms.values()
    assert ZOO.canonical(ZOO.check("resnet18d.ra2_in1k@224")) not in forms.values()
    first = min(forms.values(), key=ZOO.index)
    assert ZOO.index(first) <= min(ZOO.index(ZOO.check(f"resnet18.{tag}@224")) for tag in forms)


def context(kind: InputKind) -> ScoringContext:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 224, 224, generator=generator)
    if kind is InputKind.noise:
        batches = draw_batches(IMAGENET, BatchRequest(kind, 2, 2)).batches
    else:
        batches = tuple(Batch(images + shift, torch.tensor([3, 700])) for shift in (0.0, 0.1))
    return ScoringContext(ZOO, IMAGENET, Protocol(batch_size=2), 0, batches, torch.device("cpu"), kind)


def test_a_network_gets_noise_of_its_own_size():
    whole = context(InputKind.noise)
    small = Subject(whole, Architecture("test_vit.r160_in1k@160"), "live").context
    assert small.data_set.shape == (3, 160, 160)
    assert [batch.images.shape for batch in small.batches] == [(2, 3, 160, 160)] * 2
    assert torch.equal(small.batches[0].targets, whole.batches[0].targets)
    assert not torch.equal(small.batches[0].images, small.batches[1].images)
    assert float(small.batches[0].images.std()) == pytest.approx(1, abs=0.02)  # resampled noise would be smoother
    again = Subject(context(InputKind.noise), Architecture("test_vit2.r160_in1k@160"), "live").context
    assert torch.equal(small.batches[0].images, again.batches[0].images)
    own = Subject(whole, Architecture("resnet18.a1_in1k@224"), "live").context
    assert own is whole


def test_images_are_resampled_to_a_networks_own_size():
    ramp = torch.linspace(-1, 1, 224).expand(1, 3, 224, 224)
    whole = replace(context(InputKind.real), batches=(Batch(ramp, torch.tensor([1])),))
    (batch,) = whole.for_network(Architecture("resnet18.a1_in1k@288")).batches
    assert batch.images.shape == (1, 3, 288, 288)
    middle = batch.images[0, 0, 144, 10:-10]  # a ramp stays one
    torch.testing.assert_close(middle, torch.linspace(-1, 1, 288)[10:-10], atol=2e-3, rtol=0)


@pytest.mark.parametrize("arch", ["test_vit.r160_in1k@160", "test_resnet.r160_in1k@160", "lcnet_050.ra2_in1k@224"])
def test_a_network_of_timm_is_counted_as_the_table_says_and_scored(timm, arch):
    assert timm.__version__ == library.REFERENCE, "the counts are those of this version"
    row = read_row(arch)
    found = count(row)
    expected = [list(map(int, (one.n_weights, one.n_params, one.flops, one.live, one.repeats, one.is_linear)))
                for one in layers_of(ZOO.index(ZOO.check(arch)))]  # fmt: skip
    assert [list(line) for line in found.layers] == expected
    assert found.depth == ZOO.depth(ZOO.check(arch), IMAGENET)
    names = ("params", "flops", "zico", "grad_norm", "naswot", "synflow", "snip")
    scores = score(context(InputKind.noise), Architecture(arch), "live", {name: PROXIES.get(name)() for name in names})
    assert {name: one.reason for name, one in scores.items() if one.status != OK} == {}
    network = ZOO.network(ZOO.check(arch), IMAGENET)
    assert scores["params"].components["params"] == sum(tensor.numel() for tensor in network.parameters())


def test_without_timm_one_sentence_names_the_extra(monkeypatch):
    library.imported.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    try:
        with pytest.raises(
            MissingDataError,
            match=r"pip install 'nas-proxy-harness\[timm\]'.*and the counts of population=counted need neither\.$",
        ) as told:
            ZOO.require_networks([Architecture("resnet18.a1_in1k@224")])
    finally:
        library.imported.cache_clear()
    assert "\n" not in str(told.value)


class OtherTimm:
    """Another version, which lacks some networks."""

    __version__ = "9.9"

    def __init__(self, *lacking: str) -> None:
        self.lacking = lacking

    def is_model(self, name: str) -> bool:
        return name not in self.lacking


def test_another_version_of_timm_names_and_counts_what_it_lacks(monkeypatch):
    archs = [Architecture(f"{name}@224") for name in ("resnet18.a1_in1k", "resnet18.tv_in1k", "resnet34.a1_in1k")]
    monkeypatch.setattr(library, "imported", lambda: OtherTimm("resnet18"))
    monkeypatch.setattr(library, "installed", lambda: "9.9")
    told = "timm 9.9 lacks 1 of 2 networks, so 2 of 3 architectures have no score: resnet18"
    assert ZOO.require_networks(archs) == told
    with pytest.raises(PlugInError, match=r"timm 9\.9 has no network called 'resnet18'; timm 1\.0\.31 has all"):
        ZOO.network(archs[0], IMAGENET)
    monkeypatch.setattr(library, "imported", lambda: OtherTimm("resnet18", "resnet34"))
    with pytest.raises(OptionError, match=r"timm 9\.9 has none of the 2 networks that are asked for"):
        ZOO.require_networks(archs)
    assert ZOO.key == "timm@1/timm-9.9"


def test_the_key_of_scores_says_the_version_of_timm_or_that_of_the_counts(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(library, "version", absent)
    library.installed.cache_clear()
    try:
        assert ZOO.key == "timm@1/timm-1.0.31"
    finally:
        library.installed.cache_clear()
