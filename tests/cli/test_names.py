"""Names without imports are the registries' names; names as people type them mean registered ones."""

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from harness.cli.command import dispatch
from harness.cli.commands import COMMANDS
from harness.cli.known import _stated_names
from harness.cli.names import OTHER_NAMES, meant
from harness.cli.words import as_hydra_reads
from harness.ensembles import ENSEMBLES
from harness.inputs import DATA_SETS
from harness.predictors import PREDICTORS
from harness.proxy import PROXIES
from harness.searchers import SEARCHERS
from harness.space import BENCHMARKS

REGISTRIES = {
    "proxy": PROXIES,
    "benchmark": BENCHMARKS,
    "data set": DATA_SETS,
    "ensemble": ENSEMBLES,
    "predictor": PREDICTORS,
    "searcher": SEARCHERS,
}


@pytest.mark.parametrize("kind", REGISTRIES)
def test_names_found_in_files_are_those_that_imports_register(kind):
    names, complete = _stated_names(kind)
    assert sorted(names) == list(REGISTRIES[kind])
    assert complete


def test_the_installed_script_is_the_same_as_python_m():
    scripts = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["nas-harness"].partition(":")
    assert getattr(import_module(module), function) is dispatch
    for command in COMMANDS.values():
        assert callable(import_module(command.module).run)
        assert command.config is None or callable(import_module(command.module).read)
        assert import_module(command.module).main(["--version"]) == 0


def test_other_names_lead_to_registered_ones():
    for kind, names in OTHER_NAMES.items():
        for other, name in names.items():
            assert name in REGISTRIES[kind]
            assert other not in REGISTRIES[kind]


@pytest.mark.parametrize(
    ("kind", "word", "name"),
    [
        ("benchmark", "nasbench201", "nats_tss"),
        ("benchmark", "NAS-Bench-201", "nats_tss"),
        ("benchmark", "nb201", "nats_tss"),
        ("benchmark", "natsbench_tss", "nats_tss"),
        ("benchmark", "natsbench_sss", "nats_sss"),
        ("benchmark", "nb101", "nasbench101"),
        ("benchmark", "nasbench_101", "nasbench101"),
        ("benchmark", "all", "all"),
        ("benchmark", "nb301", "nb301"),
        ("data set", "imagenet16", "ImageNet16-120"),
        ("data set", "imagenet16-120", "ImageNet16-120"),
        ("data set", "cifar-10", "cifar10"),
        ("data set", "CIFAR-100", "cifar100"),
        ("data set", "imagenet", "imagenet"),
        ("proxy", "ZiCo", "zico"),
        ("proxy", "gradnorm", "gradnorm"),
    ],
)
def test_what_people_type(kind, word, name):
    assert meant(kind, word) == name


@pytest.mark.parametrize(
    ("name", "word", "sweeps", "read"),
    [
        ("run", "proxy=zico,params", False, "proxy=[zico,params]"),
        ("run", "proxy=zico,params", True, "proxy=zico,params"),
        ("run", "proxy=[zico,params]", True, "proxy=[zico,params]"),
        ("run", "bench=nb201,NB101", False, "bench=[nats_tss,nasbench101]"),
        ("run", "dataset=cifar-10, imagenet16", False, "dataset=[cifar10,ImageNet16-120]"),
        ("run", "ensemble=rank_sum,fitted", False, "ensemble=[rank_sum,fitted]"),
        ("run", "inputs=real,noise", False, "inputs=[real,noise]"),
        ("run", "proxy=null", False, "proxy=null"),
        ("run", "proxy=a/b.py", False, "proxy=a/b.py"),
        ("run", "seed=1,2", True, "seed=1,2"),
        ("search", "budget.flops=4e6", False, "++budget.flops=4e6"),
        ("search", "start=|none~0|", False, 'start="|none~0|"'),
        ("train", "arch=|none~0|", False, 'arch="|none~0|"'),
        ("train", 'arch="11"', False, 'arch="11"'),
        ("search", "+preset=imagenet_450m", False, "+preset=imagenet_450m"),
        ("run", "+options.zen.n_repeats=2", False, "+options.zen.n_repeats=2"),
    ],
)
def test_words_as_hydra_reads_them(name, word, sweeps, read):
    assert as_hydra_reads(COMMANDS[name], [word], sweeps=sweeps) == [read]
