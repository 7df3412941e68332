"""How commands end: on signals, with folders and stores that are taken, and what their record says."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from harness import HarnessError, Settings, evaluate
from harness.cli.command import dispatch
from harness.files.out_folder import out_folder
from harness.perf.answers import cpu_seconds
from harness.search import SearchSettings, SearchSpec, search
from harness.theory.__main__ import main as theory

FAST = ["sample=12", "workers=1", "protocol.batch_size=4"]


def begun(*words: str, cwd: Path, seconds: float) -> subprocess.Popen:
    """A command some time after its start, with the signals' usual handlers whoever started the tests."""

    def heed() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed,
    )  # fmt: skip
    time.sleep(seconds)
    return process


@pytest.mark.parametrize(
    ("module", "words", "number", "code", "sentence"),
    [
        ("harness.compare", "a b", signal.SIGINT, 130, "Interrupted. Run the same command again."),
        ("harness.describe", "nats_tss 0", signal.SIGTERM, 143, "Terminated. Run the same command again."),
        ("harness.search", "proxy=zico", signal.SIGHUP, 129, "The terminal was closed. Finished scores are kept;"),
        ("harness.plan", "width=.1 out=o", signal.SIGINT, 130, "Interrupted. Finished scores are kept;"),
    ],
)
def test_a_signal_during_imports_ends_in_one_sentence(module, words, number, code, sentence, tmp_path):
    process = begun(module, *words.split(), cwd=tmp_path, seconds=0)
    imported = Path(f"/proc/{process.pid}/maps")
    deadline = time.monotonic() + 120
    # Its libraries are mapped one after another: numpy's are there while torch and the rest are still to come.
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if "numpy" in imported.read_text():
                break
        except OSError:
            break
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert err.strip().startswith(sentence)
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_sigterm_during_scoring_keeps_scores_and_leaves_no_empty_folder(tmp_path):
    process = begun("harness", "proxy=zico", "sample=900", "workers=1", "out=deep/o", cwd=tmp_path, seconds=0)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None and not (tmp_path / "results").exists():
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 143, err
    assert err.splitlines()[-1] == "Terminated. Finished scores are kept; run the same command again to continue."
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


def test_help_version_and_a_misspelt_name_answer_at_once():
    for words, code in (("--help", 0), ("--version", 0), ("proxy=zicoo", 2), ("dataset=cifar", 2), ("smaple=3", 2)):
        assert cpu_seconds(["-m", "harness", words], code) < 1.5
    assert cpu_seconds(["-m", "harness.search", "--help"], 0) < 1.5
    assert cpu_seconds(["-m", "harness.check", "zicoo"], 2) < 1.5


def test_a_list_is_kept_until_a_file_changes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    assert dispatch(["list", "searchers"]) == 0
    first = capsys.readouterr().out
    assert "aging_evolution" in first
    assert cpu_seconds(["-m", "harness.list", "searchers"], 0, {**os.environ}) < 3
    monkeypatch.setattr("harness.list.kept.version_text", lambda: "another version")
    kept = json.loads((tmp_path / "lists/searchers.json").read_text())
    kept["rows"] = [["wrong"]]
    (tmp_path / "lists/searchers.json").write_text(json.dumps(kept))
    assert dispatch(["list", "searchers"]) == 0
    assert capsys.readouterr().out == first


def test_a_reader_that_has_read_enough_ends_a_command_quietly(tmp_path):
    text = f"{shlex.quote(sys.executable)} -m harness.list proxies | head -1"
    done = subprocess.run(["bash", "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("proxy")


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setattr("harness.agreement.resampling.MOST_REPLICATES", 40)
        assert dispatch(["proxy=params,depth", "dataset=Digits", "bench=nasbench201", *FAST, "out=o"]) == 0
    return folder


def test_the_record_holds_everything_asked_and_a_command_that_does_it_again(done, monkeypatch, rough_intervals):
    record = json.loads((done / "o/run.json").read_text())
    asked = {name: record["config"][name] for name in ("proxy", "bench", "dataset", "ensemble", "options", "sample")}
    assert asked == {
        "proxy": ["params", "depth"], "bench": ["nats_tss"], "dataset": ["digits"], "ensemble": None, "options": {},
        "sample": 12,
    }  # fmt: skip
    monkeypatch.chdir(done)
    before = (done / "o/agreement.csv").read_bytes()
    words = shlex.split(record["command"])
    assert words[:3] == ["python", "-m", "harness"]
    assert dispatch(words[3:]) == 0  # the same evaluation may go on in its folder
    assert (done / "o/agreement.csv").read_bytes() == before


def test_a_folder_of_an_earlier_version_whose_default_was_written_out_goes_on(done, monkeypatch):
    monkeypatch.chdir(done)
    record = json.loads((done / "o/run.json").read_text())
    assert record["config"]["population"] is None
    record["config"]["population"] = "all"
    (done / "o/run.json").write_text(json.dumps(record))
    assert dispatch(shlex.split(record["command"])[3:]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["proxy=params,flops"], 'proxy: ["params", "depth"] there, ["params", "flops"] here'),
        (["proxy=params,depth", "seed=1"], "seed: 0 there, 1 here"),
    ],
)
def test_a_folder_of_another_evaluation_is_refused(words, sentence, done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    before = {path: path.read_bytes() for path in (done / "o").iterdir()}
    assert dispatch([*words, *FAST, "out=o"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"out=o holds the results of another run ({sentence}). Give another folder")
    assert {path: path.read_bytes() for path in (done / "o").iterdir()} == before


def test_a_search_and_other_results_do_not_go_into_the_folder_of_an_evaluation(done, monkeypatch):
    monkeypatch.chdir(done)
    settings = SearchSettings(base=Settings(out=Path("o"), workers=1), steps=20)
    with pytest.raises(HarnessError, match="out=o holds the results of another run"):
        search(SearchSpec(searchers=("random",), proxies=("params",)), settings)
    with pytest.raises(HarnessError, match=r"another run \(an evaluation\)"), out_folder(Path("o"), "theory"):
        pass


def test_a_new_folder_left_empty_goes_with_those_made_for_it(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(KeyError), out_folder(tmp_path / "a/b/c", "stem"):
        raise KeyError
    assert list((tmp_path / "a").iterdir()) == []


def test_from_python_the_record_says_so_and_gives_the_call(tmp_path, rough_intervals):
    settings = Settings(sample=12, store=tmp_path / "s.sqlite", out=tmp_path / "o", workers=1)
    evaluate(["params", "flops"], settings=settings)
    command = json.loads((tmp_path / "o/run.json").read_text())["command"]
    said, call = command.split(": ", 1)
    assert said == "Called from Python"
    again = eval(call, {"evaluate": lambda *given, **further: (given, further), "Settings": Settings, "Path": Path})
    assert again == ((["params", "flops"], ["nats_tss"], ["digits"], settings), {})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((len,), "evaluate was given proxy=len, of type builtin_function_or_method; it must be a name"),
        (("zico", 3), "evaluate was given bench=3, of type int; it must be a name or a list of names."),
        (("zico", []), r"evaluate was given bench=\[\]; it must be"),
        ((["zico", 3],), "evaluate was given proxy=.*of type list; it must be a name or a list of names."),
        (("zico", "nats_tss", "digits", {"seed": 1}), r"settings=.* of type dict; it must be Settings\(...\)"),
    ],
)  # fmt: skip
def test_arguments_of_another_type_get_a_sentence(arguments, sentence):
    with pytest.raises(HarnessError, match=sentence):
        evaluate(*arguments)


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        (".", "The score store '.' is a folder; a store is a regular file."),
        ("/dev/null", "The score store '/dev/null' is a special file; a store is a regular file."),
        ("file/s.sqlite", "The score store 'file/s.sqlite' cannot be written"),
        ("/proc/none/s.sqlite", "/proc/none"),
    ],
)
def test_a_store_where_none_can_be(store, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    assert dispatch(["proxy=params", *FAST, f"store={store}"]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "in use" not in said
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


def test_score_prints_and_writes_the_architectures(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arch = "|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    pd.DataFrame({"arch": [arch], "mine": [7]}).to_csv("a.csv", index=False)
    assert dispatch(["score", "nb201", "a.csv", "--proxy", "params", "--dataset", "cifar-10", "--out", "b.csv"]) == 0
    printed = capsys.readouterr().out
    assert arch in printed
    assert "params" in printed
    assert pd.read_csv("b.csv")[["arch", "mine"]].to_numpy().tolist() == [[arch, 7]]


def test_the_bar_counts_the_architectures_asked_for_and_is_one(tmp_path, capsys, rough_intervals):
    settings = Settings(sample=12, workers=1, store=tmp_path / "s.sqlite", out=tmp_path / "o")
    evaluate(["naswot", "params", "depth"], settings=settings)
    bars = {line.split(":")[0] for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if "%|" in line}
    assert bars == {"nats_tss digits"}
    evaluate(["naswot", "params", "depth"], settings=settings)
    assert "%|" not in capsys.readouterr().err


def test_a_fault_of_the_program_is_no_success(in_empty_folder, monkeypatch):
    def fault(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("harness.theory.__main__.check_theory", fault)
    code, _, err = in_empty_folder(theory)("experiment=linear")
    assert code == 1
    assert "ZeroDivisionError: a fault" in err
