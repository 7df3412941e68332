"""A user's mistake: one clear sentence on standard error, exit code 2, no traceback, nothing lost."""

import sys
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.result_tables import read_agreement

MISTAKES = {
    "unknown proxy": (["proxy=gradnorm"], "No proxy is called 'gradnorm'. Did you mean 'grad_norm'? Known: "),
    "unknown benchmark": (["bench=nats_ts"], "No benchmark is called 'nats_ts'. Did you mean 'nats_tss'? Known: "),
    "unknown data set": (["dataset=cifar"], "No data set is called 'cifar'. Did you mean 'cifar10'? Known: "),
    "unknown setting": (["smaple=3"], "No setting is called 'smaple'. Did you mean 'sample'? Known: "),
    "unknown nested setting": (["protocol.batchsize=3"], "batchsize"),
    "unknown protocol": (["protocol=papr"], "No protocol is called 'papr'. Did you mean 'paper'? Known: paper, "),
    "unknown inputs": (["inputs=reel"], "No value of inputs is called 'reel'. Did you mean 'real'?"),
    "unknown initialisation": (["protocol.init=kaiming"], "No value of protocol.init is called 'kaiming'."),
    "unknown truth": (["proxy=params", "truth=test20"], "No truth column of nats_tss on digits is called 'test20'. "),
    "bad grammar": (["proxy=[zico"], "cannot be read"),
    "no key": (["zico"], "cannot be read"),
    "sample too large": (["sample=15626"], "sample=15626 is larger than nats_tss, which has 15,625 architectures."),
    "sample zero": (["sample=0"], "sample=0 is invalid: it must be at least 1."),
    "sample negative": (["sample=-3"], "sample=-3 is invalid"),
    "sample in words": (["sample=some"], "sample=some is invalid: it must be a number of architectures or all."),
    "sample broken": (["sample=1.5"], "sample=1.5 is invalid: it must be a whole number."),
    "no workers": (["workers=0"], "workers=0 is invalid: it must be at least 1."),
    "no seeds": (["seeds=0"], "seeds=0 is invalid"),
    "negative seed": (["seed=-1"], "seed=-1 is invalid: it must be 0 or more."),
    "no batch": (["protocol.n_batches=0"], "protocol.n_batches=0 is invalid: it must be at least 1."),
    "batch too large": (["protocol.batch_size=5000"], "2 batches of 5000 need 10,000 images of digits, but "),
    "too few batches": (["proxy=zico", "protocol.n_batches=1"], "zico needs at least 2 batches; the protocol "),
    "no such device": (["device=cuda:9"], "device=cuda:9 is not available: torch finds "),
    "unknown device": (["device=gpu"], "device=gpu is not known; it must be cpu, cuda or cuda:N."),
    "no truth": (["proxy=params", "dataset=cifar10"], "Run `python -m harness.data fetch nats_tss`."),
    "no scores file": (["scores=none.csv"], "There is no file 'none.csv'"),
    "no proxy file": (["proxy=none.py"], "none.py'; proxy= takes a registered name or the path of a Python file."),
    "broken proxy file": (["proxy=broken.py"], "broken.py' does not import: SyntaxError"),
    "empty proxy file": (["proxy=empty.py"], "registers no proxy; decorate its class with"),
    "raising proxy file": (["proxy=raising.py"], "ZeroDivisionError: division by zero (raising.py, line 1)."),
    "proxy without annotation": (
        ["proxy=bare.py"],
        "Bare.measure has no annotation for 'gradients'; annotate it with a class of harness.evidence, such as ",
    ),
    "proxy without evidence": (["proxy=alone.py"], "Bare.measure takes no evidence; give it a parameter that "),
    "unknown evidence": (
        ["proxy=typo.py"],
        "Bare.measure is annotated with 'WeightGradient', which its file does not ",
    ),
    "no evidence": (["proxy=odd.py"], "Bare.measure takes 'gradients: <class 'int'>', which is not a kind of evidence"),
    "unknown option": (["proxy=zico", "+options.zico.ddof=1"], "The proxy 'zico' has no options"),
    "option without plus": (
        ["options.zen.n_repeats=2"],
        "needs a plus sign: +options.zen.n_repeats=2.",
    ),
    "option of another": (["proxy=zico", "+options.synflow.x=1"], "options.synflow is set, but the requested proxies"),
    "out is a file": (["out=taken"], "out=taken cannot be written"),
    "store is a folder": (["store=."], "The score store '.' is a folder"),
    "store is corrupt": (["store=corrupt.sqlite"], "is damaged"),
    "retry": (["retry=all"], "retry=all is invalid: it must be none or failed."),
    "resume": (["resume=maybe"], "resume=maybe is invalid: it must be true or false."),
    "lonely ensemble": (
        ["proxy=zico", "ensemble=rank_sum"],
        "ensemble=rank_sum combines several proxies, but zico is ",
    ),
    "unknown ensemble": (["ensemble=ranksum"], "No ensemble is called 'ranksum'. Did you mean 'rank_sum'? Known: "),
    "option of an ensemble": (["ensemble=fitted", "+options.fitted.folds=2"], "No option of fitted is called 'folds'."),
    "no ensemble": (["ensemble=[]"], "ensemble=[] is invalid: it must be a name or a list"),
    "wrong scores file": (["scores=text.csv"], "it needs arch and scores."),
}


BARE = """
from __future__ import annotations
from dataclasses import dataclass
from harness.proxy import PROXIES, Proxy

@PROXIES.register("NAME")
@dataclass(frozen=True)
class Bare(Proxy):
    def measure(self, PARAMETER): return 1.0
"""
PARAMETERS = {"bare": ", gradients", "alone": "", "typo": ", gradients: WeightGradient", "odd": ", gradients: int"}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_sentence_and_exit_code_2(mistake, tmp_path, monkeypatch, capsys):
    words, sentence = MISTAKES[mistake]
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("mine")
    Path("broken.py").write_text("def (:\n")
    Path("empty.py").write_text("x = 1\n")
    Path("raising.py").write_text("1 / 0\n")
    for name, parameter in PARAMETERS.items():
        Path(f"{name}.py").write_text(BARE.replace("NAME", f"{mistake} {name}").replace(", PARAMETER", parameter))
    Path("corrupt.sqlite").write_text("no database\n" * 500)
    Path("text.csv").write_text("a,b\n1,2\n")
    sample = [] if "sample" in words[-1] else ["sample=12"]
    monkeypatch.setattr(sys, "argv", ["harness", *sample, *words])
    assert main() == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert "Traceback" not in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""
    assert Path("taken").read_text() == "mine"


@pytest.mark.long
def test_missing_images_say_what_brings_them(fetched_home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    monkeypatch.setattr(sys, "argv", ["harness", "proxy=zico", "dataset=cifar10"])
    assert main() == 2
    error = capsys.readouterr().err
    assert "python -m harness.data fetch cifar10" in error
    assert "inputs=noise" in error
    assert not Path("results").exists()


@pytest.mark.long
def test_each_data_set_takes_the_first_inputs_that_are_here(fetched_home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    words = ["proxy=naswot", "dataset=[digits,cifar10]", "inputs=[real,noise]", "sample=2", "protocol.batch_size=4"]
    monkeypatch.setattr(sys, "argv", ["harness", *words, "workers=1", "out=one"])
    assert main() == 0
    rows = read_agreement(Path("one/agreement.csv")).set_index(["dataset", "proxy"])
    assert rows["inputs"].xs("naswot", level="proxy").to_dict() == {"digits": "real", "cifar10": "noise"}
