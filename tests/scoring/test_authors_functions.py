"""Functions of somebody's code as proxies: the field's shapes run as they are, share nothing, are named external."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from harness.__main__ import main
from harness.check import CheckResult, Finding, examine, load
from harness.check.harness import ORDINARY, small_context
from harness.errors import HarnessError, MissingDataError, OptionError
from harness.evidence import Subject
from harness.proxy import PROXIES
from harness.scoring.authors_call import amount
from harness.scoring.engine import score_subject
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.sources import source_digest
from harness.space import Architecture
from harness.store import FAILED, Score

NORMS = """
import torch
from torch import nn

def compute_norms(net, inputs, targets, loss_fn, split_data=1, skip_grad=False):
    net.zero_grad()
    loss_fn(net.forward(inputs), targets).backward()
    layers = [layer for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    return [layer.weight.grad.norm() if layer.weight.grad is not None else torch.zeros(()) for layer in layers]
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Writes a file and returns the word for one of its functions."""

    def write(source: str, name: str, file: str = "theirs.py") -> str:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return f"{path}:{name}"

    return write


def score(word: str, beside: str | None = None, cell: str = ORDINARY[0], **options: object) -> dict[str, Score]:
    """Scores of one cell, on the network that executes every operation."""
    name = parse_proxies([word], {})[0].name
    (spec,) = parse_proxies([word], {name: options})
    proxies = {"theirs": spec.make()} | ({beside: PROXIES.get(beside)()} if beside else {})
    return score_subject(Subject(small_context(), Architecture(cell), "all"), proxies)


def only(found: Score) -> float:
    (value,) = found.components.values()
    return value


def test_a_list_per_layer_is_summed_and_agrees_with_the_project_s_own(written: Callable[..., str]) -> None:
    word = written(NORMS, "compute_norms")
    for cell in ORDINARY:
        found = score(word, "grad_norm", cell)
        assert only(found["theirs"]) == pytest.approx(only(found["grad_norm"]), rel=1e-5)


def test_a_loader_gives_every_batch_and_a_device_is_none_on_the_cpu(written: Callable[..., str]) -> None:
    source = """
def compute_nas_score(model, gpu, trainloader, resolution, batch_size, repeat=2):
    assert gpu is None and resolution == 8 and batch_size == 8
    seen = [len(batch[0]) for batch in trainloader]
    images, labels = next(iter(trainloader))
    assert images.shape == (8, 1, 8, 8) and labels.shape == (8,)
    return {"seen": sum(seen), "twice": repeat * len(seen)}
"""
    word = written(source, "compute_nas_score")
    assert score(word)["theirs"].components == {"seen": 16.0, "twice": 4.0}
    assert score(word, repeat=5)["theirs"].components == {"seen": 16.0, "twice": 10.0}
    (spec,) = parse_proxies([word], {})
    table = pd.DataFrame([{"seen": 1.0, "twice": 7.0}])
    with pytest.raises(OptionError, match="returns seen, twice; choose one of them"):
        spec.make().combine(table)
    (chosen,) = parse_proxies([word], {spec.name: {"component": "twice"}})
    assert chosen.make().combine(table).tolist() == [7.0]


def test_other_names_are_taken_by_their_place(written: Callable[..., str]) -> None:
    source = "def f(candidate, batch, answers, /, criterion, *, dev): return criterion(candidate(batch), answers)"
    by_place = only(score(written(source, "f"))["theirs"])
    plain = "def g(net, inputs, targets, loss_fn, device): return loss_fn(net(inputs), targets).item()"
    assert by_place == only(score(written(plain, "g", "plain.py"))["theirs"]) > 0


def test_what_is_not_understood_is_said(written: Callable[..., str]) -> None:
    with pytest.raises(HarnessError, match=r"theirs\.py:f takes 'temperature', which is not understood"):
        parse_proxies([written("def f(net, inputs, targets, loss_fn, device, temperature): pass", "f")], {})
    with pytest.raises(HarnessError, match="takes no network"):
        parse_proxies([written("def g(inputs, targets): pass", "g", "two.py")], {})
    with pytest.raises(HarnessError, match=r"has no function 'h'; it defines there"):
        parse_proxies([written("def there(net): pass", "h", "three.py")], {})
    with pytest.raises(HarnessError, match="does not import: ZeroDivisionError"):
        parse_proxies([written("1 / 0", "f", "four.py")], {})
    with pytest.raises(MissingDataError, match="There is no file"):
        parse_proxies(["nowhere.py:f"], {})


def test_amounts() -> None:
    assert amount([torch.tensor([1.0, 2.0]), [np.array([3.0]), 4]]) == 10.0
    assert amount({"a": torch.tensor(1.5), "b": [1, 2]}) == {"a": 1.5, "b": 3.0}
    assert amount([1.0, float("inf")]) == float("inf")
    for wrong in (None, "1.5", (float("nan"), None), [], {"a": "x"}, True):
        with pytest.raises(TypeError, match="it returned"):
            amount(wrong)


SPOILS = """
import random, types
import torch
from torch import nn

def spoil(net, inputs, targets, loss_fn, device):
    with torch.no_grad():
        inputs.zero_()
        for parameter in net.parameters():
            parameter.zero_()
    net.eval()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight_mask = nn.Parameter(torch.ones_like(layer.weight))
            layer.register_forward_hook(lambda *given: None)
    inputs.requires_grad_(True)
    torch.set_grad_enabled(False)
    return 1.0
"""


def test_nothing_that_it_changes_reaches_others(written: Callable[..., str]) -> None:
    word = written(SPOILS, "spoil")
    alone = score_subject(Subject(small_context(), Architecture(ORDINARY[0]), "all"), {"zico": PROXIES.get("zico")()})[
        "zico"
    ]
    assert score(word, "zico")["zico"].components == alone.components
    for batch in small_context().batches:
        assert float(batch.images.abs().sum()) > 0
        assert not batch.images.requires_grad
    torch.set_grad_enabled(True)  # which the guard of a run puts back


def test_check_says_what_it_changes(written: Callable[..., str]) -> None:
    findings = _checked(written(SPOILS, "spoil"))
    text = findings["changes"].text
    assert findings["changes"].result is CheckResult.note
    for what in ("parameter of stem.0", "mode of itself", "hooks left on", "weight_mask", "the batches"):
        assert what in text, text
    assert "requires_grad of the images" in text
    assert findings["called with"].text == (
        "net = network, inputs = inputs, targets = targets, loss_fn = loss, device = device"
    )
    assert findings["globals"].result is CheckResult.failed
    kept = _checked(written(NORMS, "compute_norms", "kept.py"))
    assert kept["changes"].result is CheckResult.passed


def test_check_finds_a_seed(written: Callable[..., str]) -> None:
    source = "import torch\ndef f(net, inputs):\n    torch.manual_seed(1)\n    return torch.rand(()).item()"
    found = _checked(written(source, "f"))["generators"]
    assert found.result is CheckResult.failed
    assert "seeds the global generator of torch" in found.text


def _checked(word: str) -> dict[str, Finding]:
    loaded = load(word)
    findings = [*loaded.findings, *(finding for name in loaded.names for finding in examine(name, quick=True))]
    return {finding.check: finding for finding in findings}


DECORATOR = """
_measure_impls = {}

def measure(name, bn=True, copy_net=True, force_clean=True, **impl_args):
    def make_impl(func):
        def measure_impl(net_orig, device, *args, **kwargs):
            net = net_orig.get_prunable_copy(bn=bn)
            return func(net, *args, **kwargs, **impl_args)
        _measure_impls[name] = measure_impl
        return func
    return make_impl

from . import flow
"""
FLOW = """
from . import measure
from ..layers import count

@measure("flow", bn=False, mode="channel")
@measure("flow_bn", bn=True, mode="param")
def compute_flow(net, inputs, targets, mode, split_data=1, loss_fn=None):
    return [count(net), {"channel": 1000, "param": 2000}[mode]]
"""
LAYERS = """
from torch import nn

def count(net):
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())
"""


def test_a_package_s_declarations_are_followed(written: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    written("", "", "their_pack/__init__.py")
    written(LAYERS, "", "their_pack/layers.py")
    written(DECORATOR, "", "their_pack/measures/__init__.py")
    word = written(FLOW, "compute_flow", "their_pack/measures/flow.py")
    path_before = list(sys.path)
    assert only(score(word)["theirs"]) == 1000.0  # without normalisation, mode "channel", as flow.py's own measure says
    assert only(score(word.replace("compute_flow", "flow_bn"))["theirs"]) > 2000.0
    assert sys.path == path_before
    file = Path(word.rpartition(":")[0])
    before = source_digest(file)
    source_digest.cache_clear()
    assert source_digest(file) == before
    written(LAYERS + "\n# another count\n", "", "their_pack/layers.py")
    source_digest.cache_clear()
    assert source_digest(file) != before
    source_digest.cache_clear()


def test_views_and_features_as_official_networks_give_them(written: Callable[..., str]) -> None:
    source = """
def f(network, inputs):
    features, logits = network(inputs)
    return [features.view(-1).shape[0], logits.shape[1], *(p.view(-1)[0] * 0 for p in network.parameters())]
"""
    word = written(source, "f")
    assert score(word)["theirs"].status == FAILED
    found = only(score(word, with_features=True)["theirs"])
    assert found == 8 * 32 + 10  # 8 images with the features of the digits' networks, 10 classes


def test_a_run_names_it_external_and_keeps_its_scores_by_source(
    written: Callable[..., str], in_empty_folder: Callable[..., Callable[..., tuple[int, str, str]]]
) -> None:
    command = in_empty_folder(main)
    word = written(NORMS, "compute_norms")
    words = ["sample=12", "workers=1", "protocol.batch_size=8", "against=params"]
    code, _, error = command(f"proxy=[{word},params]", *words, "out=one")
    assert code == 0, error
    rows = pd.read_csv("one/agreement.csv").set_index("proxy")
    assert rows.loc["theirs_compute_norms", "version"] == "external"
    assert rows.loc["theirs_compute_norms", "options"].startswith("source=")
    assert rows.loc["theirs_compute_norms", "n"] == 12
    assert rows.loc["params", "version"] == "1"
