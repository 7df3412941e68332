"""What people type -> the sentence and the exit code, before anything heavy is imported."""

import sys

import pytest

from harness.cli.command import LONGEST, dispatch, one_sentence, start
from harness.cli.commands import COMMANDS

PAPER = "Did you mean 'protocol.batch_size'?"
TYPED = {
    "a misspelt proxy": ("proxy=zicoo", "No proxy is called 'zicoo'. Did you mean 'zico'?"),
    "a misspelt proxy in a list": ("proxy=zico,parms", "No proxy is called 'parms'. Did you mean 'params'?"),
    "a misspelt benchmark": ("bench=nats_ts", "No benchmark is called 'nats_ts'. Did you mean 'nats_tss'?"),
    "a misspelt data set": ("dataset=cifar", "No data set is called 'cifar'. Did you mean 'cifar10'?"),
    "a misspelt setting": ("smaple=3", "No setting is called 'smaple'. Did you mean 'sample'?"),
    "a misspelt ensemble": ("ensemble=ranksum", "No ensemble is called 'ranksum'. Did you mean 'rank_sum'?"),
    "a misspelt protocol": ("protocol=papr", "No protocol is called 'papr'. Did you mean 'paper'?"),
    "a setting of the protocol": ("batch_size=16", f"No setting is called 'batch_size'. {PAPER}"),
    "the same, misspelt": ("batchsize=16", f"No setting is called 'batchsize'. {PAPER}"),
    "below the protocol": ("protocol.batchsize=16", f"No setting is called 'protocol.batchsize'. {PAPER}"),
    "added below the protocol": ("+protocol.batchsize=16", f"No setting is called 'protocol.batchsize'. {PAPER}"),
    "forced below the protocol": ("++protocol.batchsize=16", f"No setting is called 'protocol.batchsize'. {PAPER}"),
    "an added setting": ("+batches=16", "No setting is called 'batches'."),
    "a removed setting": ("~sample", "~sample is invalid: a setting cannot be removed."),
    "dashes": ("--proxy zico", "--proxy is not an option: settings are written without dashes, as proxy=zico."),
    "dashes and a hyphen": ("--sample-seed=3", "settings are written without dashes, as sample_seed=3."),
    "an unknown option": ("--multrun seed=1,2", "--multrun is not an option. Did you mean --multirun?"),
    "help": ("help", "'help' is not a setting. Write python -m harness --help."),
    "version": ("version", "'version' is not a setting. Write python -m harness --version."),
    "a proxy alone": ("zico", "'zico' cannot be read as a setting: write proxy=zico."),
    "a benchmark as people call it": ("nb201", "'nb201' cannot be read as a setting: write bench=nb201."),
    "a bracket": ("proxy=[zico", "cannot be read"),
    "what to show": ("--cfg jobs", "--cfg jobs is invalid: it must be one of job, hydra, all"),
    "nothing to show": ("-c", "-c needs a value: --cfg job."),
    "search: a misspelt searcher": ("search search=evolutoin", "Did you mean 'evolution'?"),
    "search: a misspelt proxy": ("search proxy=zicoo budget.flops=3e6", "Did you mean 'zico'?"),
    "search: a setting": ("search stesp=3", "No setting is called 'stesp'. Did you mean 'steps'?"),
    "train: below the recipe": ("train +recipe.epoch=3", "Did you mean 'recipe.epochs'?"),
    "train: a setting of the recipe": ("train epochs=3", "Did you mean 'recipe.epochs'?"),
    "train: deeper in the recipe": ("train mixup=3", "Did you mean 'recipe.augmentation.mixup'?"),
    "theory: below a group": ("theory mlp.n_draw=3", "Did you mean 'mlp.n_draws'?"),
    "plan: a setting": ("plan widht=.1", "No setting is called 'widht'. Did you mean 'width'?"),
    "lens: a proxy": ("lens proxy=naswt", "Did you mean 'naswot'?"),
    "tables: a setting": ("tables tabel=all", "Did you mean 'table'?"),
    "tables: help": ("tables help", "Write python -m harness.tables --help."),
    "list: a kind": ("list proxys", "No list is called 'proxys'. Did you mean 'proxies'?"),
    "list: nothing": ("list", "The following arguments are required: KIND. Try `python -m harness.list --help`."),
    "describe: a benchmark": ("describe nats_ts 0", "Did you mean 'nats_tss'?"),
    "describe: help": ("describe help", "Write python -m harness.describe --help."),
    "score: a proxy": ("score nats_tss a.csv --proxy zicoo", "Did you mean 'zico'?"),
    "score: a data set": ("score nats_tss a.csv --dataset cifar", "Did you mean 'cifar10'?"),
    "score: a protocol": ("score nats_tss a.csv --protocol papr", "Did you mean 'paper'?"),
    "check: a proxy": ("check zicoo", "Did you mean 'zico'?"),
    "data: a name": ("data fetch cifar11", "No table or data set is called 'cifar11'. Did you mean 'cifar10'?"),
    "data: a command": ("data fech", "Try `python -m harness.data --help`."),
    "store: a benchmark": ("store export s.sqlite --bench nats_ts", "Did you mean 'nats_tss'?"),
    "perf: cells": ("perf --cells 0", "--cells 0 is invalid: it must be at least 1."),
    "compare: one run": ("compare a", "The following arguments are required: B."),
    "page: an option": ("page --outt x", "Unrecognized arguments: --outt"),
    "docs: a word": ("docs search", "Unrecognized arguments: search."),
}


@pytest.mark.parametrize("case", TYPED)
def test_one_sentence_and_exit_code_2_without_the_commands_own_module(case, monkeypatch, capsys):
    typed, sentence = TYPED[case]

    def refuse(module: str) -> None:
        raise AssertionError(f"{module} was imported before the mistake was told")

    monkeypatch.setattr("harness.cli.command.import_module", refuse)
    monkeypatch.setattr("harness.cli.compose.import_module", refuse)
    assert dispatch(typed.split()) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert len(captured.err.strip()) <= LONGEST
    assert captured.err.isascii()
    assert captured.out == ""


@pytest.mark.parametrize("key", ["proxy", "bench", "smaple", "truth.x", "--proxy", "+protocol.a"])
def test_a_sentence_stays_short_however_long_the_value(key, capsys):
    assert dispatch([f"{key}={'very_long_' * 200}"]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said) <= LONGEST
    assert key.lstrip("-+") in said or "very_long_" in said
    assert dispatch([f"{'long' * 500}=3"]) == 2
    assert len(capsys.readouterr().err.strip()) <= LONGEST


def test_a_long_message_keeps_its_beginning_and_its_end():
    said = one_sentence("setting=" + "x y " * 400 + "is invalid: it must be 3.")
    assert len(said) <= LONGEST
    assert said.startswith("setting=x y")
    assert said.endswith("is invalid: it must be 3.")
    assert one_sentence("two\nlines") == "two lines"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_three_examples(name, capsys):
    assert start(name, ["--help"]) == 0
    told = capsys.readouterr().out
    assert told.isascii()
    command = COMMANDS[name]
    assert command.about.split(".")[0].split()[0] in told
    assert len(command.examples) == 3
    for words in command.examples:
        assert f"{command.typed} {words}".rstrip() in told
    assert dispatch([name, "-h"]) == 0
    assert capsys.readouterr().out == told
    assert start(name, ["--version"]) == 0
    assert capsys.readouterr().out.startswith("nas-proxy-harness ")


def test_help_shows_each_setting_with_the_comment_that_stands_in_conf(capsys):
    assert dispatch(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "sample_seed=0 seed of the sample; sample=N is the first N of one permutation" in told
    assert "protocol.batch_size=128" in told
    assert "protocol=NAME takes a file of conf/protocol: paper, paper_16, suite_zero, zico_imagenet (paper)." in told
    assert all(f" {name} " in told for name in COMMANDS)
    assert dispatch(["plan", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "width=null of a 95 % confidence interval of tau" in told
    assert "bench=nats_tss a benchmark, a list, or all" in told


def test_composed_settings_are_shown_and_nothing_is_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words in (["--cfg", "job", "proxy=zico,params"], ["proxy=zico,params", "-c", "job"]):
        assert dispatch(words) == 0
        assert "proxy:\n- zico\n- params\n" in capsys.readouterr().out
    assert dispatch(["search", "--cfg", "job", "bench=nb101"]) == 0
    assert "bench: nasbench101\n" in capsys.readouterr().out
    assert dispatch(["--info", "defaults"]) == 0
    assert "protocol/paper" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("line", "offered"), [("nas-harness sam", "sample="), ("nas-harness search step", "steps=")])
def test_the_shell_completes_settings_also_of_a_command(line, offered, monkeypatch, capsys):
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setattr(sys, "argv", ["nas-harness"])
    assert dispatch(["-sc", "query=bash"]) == 0
    assert offered in capsys.readouterr().out.split()
