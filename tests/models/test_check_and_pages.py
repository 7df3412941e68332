"""The examination of a space of networks, and the pages that describe such spaces."""

import re
import textwrap
from pathlib import Path

import kinds_table
import pytest

from harness.check.__main__ import main
from harness.check.evidence_kinds import PROBES
from harness.evidence import EVIDENCE
from harness.store import FAILED

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "add_a_benchmark.md"
EXAMPLE = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]


def checked(tmp_path: Path, capsys, text: str, *words: str) -> tuple[int, str]:
    (tmp_path / "models.py").write_text(textwrap.dedent(text))
    word = str(tmp_path / "models.py") + (words[0] if words and words[0].startswith(":") else "")
    code = main([word, *(one for one in words if not one.startswith(":"))])
    return code, " ".join(capsys.readouterr().out.split())


def test_the_example_of_the_page_passes(tmp_path, capsys):
    code, text = checked(tmp_path, capsys, EXAMPLE)
    assert code == 0
    assert "pass loads perceptrons, 12 networks" in text
    assert "pass weight_gradients defined, sees 100% of the weights" in text
    assert "pass named_relu_codes undefined: no module has ReLU in its class's name" in text
    shown = " ".join(PAGE.read_text(encoding="utf-8").partition("## 3.")[0].split())
    for line in re.findall(r"(?:pass|note|FAIL) {2}(\w.*)", shown):
        assert line in text


FAULTS = {
    "builds": ("if arch == 'b': raise KeyError('b')",
     "FAIL builds build('b') of models.py raised KeyError: 'b' (models.py, line 10)"),
    "repeatable": ("import os; width = 8 + os.urandom(1)[0] * 3 + os.urandom(1)[0]",
     "FAIL repeatable 'a' has another network each time it is built"),
    "outputs": ("n_classes = 4",
     "FAIL outputs The outputs [8, 4] for targets [8] of 'a' of models.py do not fit digits"),
    "more outputs": ("n_classes = 12", "note outputs 'a' has 12 outputs for 10 classes"),
    "gradients": ("scale = float('inf')", "FAIL outputs the loss of 'a' is"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_said(tmp_path, capsys, fault):
    line, sentence = FAULTS[fault]
    code, text = checked(tmp_path, capsys, f"""\
    from torch import nn
    from harness.space import ModelSpace

    class Faulty(ModelSpace):
        name = "faulty"
        architectures = ("a", "b")

        def build(self, arch):
            width, n_classes, scale = 8, 10, 1.0
            {line}
            network = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, n_classes))
            network[1].weight.data.mul_(scale)
            return network
    """)  # fmt: skip
    assert sentence in text
    assert code == (0 if sentence.startswith("note") else 1)
    assert "Traceback" not in text


def test_names_declared_equal_must_be_equal(tmp_path, capsys):
    equal = EXAMPLE.replace(
        "    def accuracies",
        '    def canonical(self, arch):\n        return "8x1" if arch == "8x2" else arch\n\n    def accuracies',
    )
    code, text = checked(tmp_path, capsys, equal)
    assert code == 1
    assert "FAIL equal names '8x2' and '8x1' are declared equal, but their networks differ" in text


def test_a_function_needs_names(tmp_path, capsys):
    function = """
    from torch import nn
    def build(arch):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, int(arch)), nn.SiLU(), nn.Linear(int(arch), 10))
    """
    code, text = checked(tmp_path, capsys, function, ":build")
    assert code == 1
    assert "name the architectures to build: --archs=NAME,NAME" in text
    code, text = checked(tmp_path, capsys, function, ":build", "--archs=8,16")
    assert code == 0
    assert "pass loads models, 2 networks" in text


def test_every_kind_of_evidence_has_a_probe():
    assert set(PROBES) == set(EVIDENCE)


@pytest.mark.long
def test_the_page_on_kinds_of_networks_states_what_is_found():
    kinds = kinds_table.found()
    assert not [one for of_network in kinds.values() for one in of_network if one.status == FAILED]
    text = kinds_table.PAGE.read_text(encoding="utf-8")
    assert kinds_table.page_with(text, kinds_table.table(kinds)) == text, "run python tests/models/kinds_table.py"
