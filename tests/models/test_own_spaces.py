"""Files of a user's networks: how they are found, what scores are kept under, and what mistakes end in."""

import os
import textwrap
from pathlib import Path

import pandas as pd
import pytest
import torch
from network_kinds import Tokens
from torch import nn

from harness import evaluate, evaluate_models
from harness.errors import HarnessError
from harness.inputs import DATA_SETS, pack, unpack
from harness.protocol import Protocol
from harness.settings import Settings
from harness.space import ModelSpace, space_of
from harness.space.sources import digest_of_class

SPACE = """
    from torch import nn
    from harness.space import ModelSpace

    class Small(ModelSpace):
        name = "small"
        architectures = ("narrow", "middle", "wide")

        def build(self, arch, data_set):
            width = {"narrow": 8, "middle": 16, "wide": 32}[arch]
            layers = [nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, data_set.n_classes)]
            return nn.Sequential(*layers)

        def accuracies(self, data_set):
            return {"narrow": 80.0, "middle": 90.0, "wide": 85.0}
"""
FUNCTION = """
    from torch import nn

    def build(arch):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, int(arch)), nn.GELU(), nn.Linear(int(arch), 10))
"""


def written(folder: Path, text: str, name: str = "models.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    os.utime(path, (1, 1))  # contents alone must decide
    return path


def settings(folder: Path, **changes: object) -> Settings:
    protocol = Protocol(batch_size=16)
    return Settings(protocol=protocol, store=folder / "scores.sqlite", out=folder / "out", workers=1, **changes)


def test_a_file_of_networks_is_evaluated(tmp_path):
    found = evaluate(["zico", "params"], str(written(tmp_path, SPACE)), "digits", settings(tmp_path))
    scores = found.scores["small", "digits"]
    assert list(scores["arch"]) == ["narrow", "middle", "wide"]
    assert list(scores["params"]) == [64 * w + w + w * 10 + 10 for w in (8, 16, 32)]
    assert list(scores["truth"]) == [80, 90, 85]
    rows = found.agreement.set_index("proxy")
    assert rows.loc["params", "tau"] == pytest.approx(1 / 3)
    assert rows.loc["zico", "coverage_weights"] == 1
    table = pd.read_csv(tmp_path / "out" / "coverage.csv")
    assert list(table["arch"].unique()) == ["narrow", "middle", "wide"]


@pytest.mark.long
def test_a_worker_process_scores_a_file_too(tmp_path):
    path = str(written(tmp_path, SPACE))
    here = evaluate("zico", path, "digits", settings(tmp_path))
    folder = tmp_path / "other"
    folder.mkdir()
    there = evaluate("zico", path, "digits", Settings(
        protocol=Protocol(batch_size=16), store=folder / "scores.sqlite", out=folder / "out", workers=2
    ))  # fmt: skip
    pd.testing.assert_frame_equal(here.scores["small", "digits"], there.scores["small", "digits"])


def test_a_function_takes_the_names_of_scores(tmp_path):
    written(tmp_path, FUNCTION)
    space = space_of(f"{tmp_path / 'models.py'}:build", ["4", "16"])
    assert (space.name, list(space.architectures)) == ("models", ["4", "16"])
    assert space.params("16", DATA_SETS.get("digits")) == 64 * 16 + 16 + 16 * 10 + 10


def keys(path: Path) -> tuple[str, str]:
    space = space_of(str(path))
    return space.key, space.keyed(["narrow"], DATA_SETS.get("digits"), 0)[0]


def test_an_edited_file_never_meets_old_scores(tmp_path):
    before = keys(written(tmp_path, SPACE))
    assert keys(written(tmp_path, SPACE)) == before
    edited = keys(written(tmp_path, SPACE.replace("nn.ReLU()", "nn.Tanh()")))
    assert edited[0] != before[0]
    assert edited[1] != before[1]


def test_an_edited_helper_never_meets_old_scores(tmp_path, monkeypatch):
    """The helper holds a forward pass alone: neither modules nor weights say that it has changed."""
    helper = """
        from torch import nn
        from torch.nn import functional as F

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.head = nn.Linear(64, 10)

            def forward(self, images):
                return F.relu(self.head(images.flatten(1)))
    """
    user = SPACE.replace("from torch import nn", "import helping").replace("return nn.Sequential(*layers)", "pass")
    user = user.replace(
        "layers = [nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, data_set.n_classes)]",
        "return helping.Net()",
    )
    found = []
    for activation in ("relu", "gelu"):
        folder = tmp_path / activation
        folder.mkdir()
        written(folder, helper.replace("F.relu", f"F.{activation}"), "helping.py")
        monkeypatch.delitem(__import__("sys").modules, "helping", raising=False)
        monkeypatch.syspath_prepend(str(folder))
        found.append(keys(written(folder, user)))
        digest_of_class.cache_clear()
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]


def test_initial_weights_depend_on_seed_and_name_alone():
    class Drawn(ModelSpace):
        name = "drawn"
        architectures = ("a", "b", "c")

        def build(self, arch):
            return nn.Linear(2, 2)

        def canonical(self, arch):
            return "a" if arch == "c" else arch

    space, digits = Drawn(), DATA_SETS.get("digits")
    torch.manual_seed(5)
    first = space.network("a", digits, seed=0)
    torch.manual_seed(6)
    assert torch.equal(first.body.weight, space.network("a", digits, seed=0).body.weight)
    assert torch.equal(first.body.weight, space.network("c", digits, seed=0).body.weight)
    for other in (space.network("b", digits, seed=0), space.network("a", digits, seed=1)):
        assert not torch.equal(first.body.weight, other.body.weight)


BROKEN = {
    "raises": ("raise ValueError('width must be even')",
     "build('x') of models.py raised ValueError: width must be even (models.py, line 9)"),
    "none": ("return None", "build('x') of models.py returned None; it must return a torch.nn.Module"),
    "exits": ("raise SystemExit(3)", "build('x') of models.py ended the process: 3 (models.py, line 9)"),
    "differs": (
        "return nn.Sequential(nn.Flatten(), nn.Linear(64, 10 + int.from_bytes(os.urandom(3), 'big') % 99991))",
        "build('x') of models.py returns another network each time it is called",
    ),
    "few": (
        "return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))",
        "The outputs [16, 3] for targets [16] of 'x' of models.py do not fit digits: its loss raised IndexError",
    ),
    "shape": ("return nn.Linear(63, 10)", "The network 'x' of models.py raised RuntimeError: mat1 and mat2 shapes"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_network_is_one_sentence_and_the_others_are_scored(tmp_path, case):
    body, sentence = BROKEN[case]
    path = written(tmp_path, f"""
    import os
    from torch import nn
    from harness.space import ModelSpace
    class Broken(ModelSpace):
        name = "broken"
        architectures = ("ok", "x")
        def build(self, arch):
            {body if case == "unused" else f"if arch == 'x': {body}"}
            return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        def accuracies(self, data_set):
            return {{"ok": 1.0, "x": 2.0}}
    """)  # fmt: skip
    found = evaluate("zico", str(path), "digits", settings(tmp_path))
    table = found.tables.coverage.set_index("arch")
    assert table.loc["ok", "status"] == "ok"
    assert table.loc["x", "status"] == "failed"
    assert table.loc["x", "reason"].startswith(sentence)
    assert "\n" not in table.loc["x", "reason"]


MISTAKES = {
    "no space": ("x = 1", "models.py has no ModelSpace; derive a class from harness.space.ModelSpace, or name"),
    "two spaces": (SPACE + SPACE.replace("Small", "Other").replace('"small"', '"other"'),
     "models.py has the spaces Small, Other; choose one: bench=models.py:Small"),
    "no import": ("import absent_module",
     "Importing models.py raised ModuleNotFoundError: No module named 'absent_module' (models.py, line 1)"),
    "no python": ("def (", "Importing models.py raised SyntaxError: invalid syntax (models.py, line 1)"),
    "a name twice": (SPACE.replace('"wide")', '"narrow")'), "small lists the architecture 'narrow' more than once"),
    "no names": (SPACE.replace('("narrow", "middle", "wide")', "()"), "small has no architectures"),
    "a taken name": (SPACE.replace('"small"', '"nats_tss"'),
     "models.py calls its space 'nats_tss', as a registered benchmark is called"),
    "unknown accuracies": (SPACE.replace('{"narrow": 80.0', '{"huge": 80.0'),
     "accuracies of models.py names 'huge', which is no architecture of small"),
    "no accuracies": (SPACE.replace('{"narrow": 80.0, "middle": 90.0, "wide": 85.0}', "{}"),
     "models.py has no accuracies of trained networks on digits"),
    "nothing builds": (SPACE.replace("width = {", "raise KeyError(arch); width = {"),
     "build('narrow') of models.py raised KeyError: 'narrow' (models.py, line 10)"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_a_file_is_one_sentence(tmp_path, case):
    text, sentence = MISTAKES[case]
    path = written(tmp_path, text)
    with pytest.raises(HarnessError) as caught:
        evaluate("zico", str(path), "digits", settings(tmp_path))
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(HarnessError, match="names no file; it takes a registered name or the path of a Python file"):
        evaluate("zico", str(tmp_path / "absent.py"), "digits", settings(tmp_path))


def mlp(width: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.GELU(), nn.Linear(width, 10))


def test_networks_of_this_process_are_evaluated(tmp_path):
    inputs = (torch.randn(64, 1, 8, 8), torch.arange(64) % 10)
    models = {"small": lambda: mlp(8), "large": lambda arch, data_set: mlp(32), "module": mlp(16)}
    truth = pd.Series({"small": 70.0, "module": 80.0, "large": 90.0}, name="accuracy")
    found = evaluate_models(
        models, accuracies=truth, inputs=inputs, proxy=["params", "zico", "naswot"], settings=settings(tmp_path)
    )
    rows = found.agreement.set_index("proxy")
    assert rows.loc["params", "tau"] == 1
    assert rows.loc["zico", "n"] == 3
    assert "models" not in __import__("harness.space").space.BENCHMARKS


def test_several_inputs_of_a_loader_are_evaluated(tmp_path):
    batches = [
        ({"tokens": torch.randint(0, 20, (16, 5)), "mask": torch.ones(16, 5)}, torch.randint(0, 10, (16,)))
        for _ in range(3)
    ]
    found = evaluate_models(
        {"a": Tokens, "b": Tokens()},
        accuracies={"a": 1.0, "b": 2.0},
        inputs=iter(batches),
        proxy=["zico", "naswot", "synflow", "jacob_cov"],
        settings=settings(tmp_path),
    )
    table = found.tables.coverage.set_index(["arch", "proxy"])
    assert table.loc["a"]["status"].to_dict() == {
        "zico": "ok", "naswot": "ok", "synflow": "undefined", "jacob_cov": "undefined",
    }  # fmt: skip
    assert table.loc[("a", "jacob_cov"), "reason"] == "the inputs are indices, which no gradient reaches"


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ([], "The inputs are empty"),
        (3, "The inputs are int; they must be a pair"),
        ([torch.zeros(3)], "The inputs must be a pair"),
        ((torch.zeros(3, 2), torch.zeros(2)), "A batch has 3 inputs and 2 targets"),
        ((torch.zeros(8, 64), torch.zeros(8)), "2 batches of 16 need 32 inputs, but 8 were given"),
        (({"a": "text"}, torch.zeros(2)), "The inputs hold str at a; they must be tensors"),
    ],
)
def test_inputs_that_are_none_are_one_sentence(tmp_path, inputs, sentence):
    with pytest.raises(HarnessError, match=sentence):
        evaluate_models({"a": mlp(4)}, accuracies={"a": 1.0}, inputs=inputs, proxy="zico", settings=settings(tmp_path))


def test_packed_inputs_come_back():
    inputs = {
        "tokens": torch.tensor([[3, 7], [1, 2]]),
        "mask": torch.tensor([[True], [False]]),
        "x": torch.rand(2, 1, 3),
    }
    packed, parts = pack(inputs)
    assert packed.shape == (2, 2 + 1 + 3)
    args, named = unpack(packed, parts)
    assert not args
    for name, tensor in inputs.items():
        assert torch.equal(named[name], tensor)
        assert named[name].dtype == tensor.dtype
