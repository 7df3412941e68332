import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.parsers import IMPORTED
from harness.data.__main__ import main
from harness.truth import Truth
from harness.truth.imports import TRUTH_IMPORTS
from harness.truth.sources import TRUTH_SOURCES, fetch, is_current, sources_of

N_TABLES = len(sources_of("nats_tss"))
ARCHS = ["|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def fetched(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    assert main(["fetch", "nats_tss"]) == 0
    capsys.readouterr()
    return home


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fetch", "nats_ts"], "No table or data set is called 'nats_ts'. Did you mean 'nats_tss'? Known: "),
        (["fetch"], "The following arguments are required: NAME|all. Try `python -m harness.data fetch --help`."),
        (["fetch", "a", "b"], "Unrecognized arguments: b."),
        (["fech", "nats_tss"], "Argument COMMAND: invalid choice: 'fech'"),
        ([], "The following arguments are required: COMMAND."),
    ],
)
def test_a_mistake_ends_in_one_line_and_exit_code_2(home, capsys, arguments, sentence):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(sentence)
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_the_command_runs_as_a_module(home):
    ran = subprocess.run(
        [sys.executable, "-m", "harness.data", "fetch", "x"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("No table or data set is called 'x'.")


def test_status_of_an_empty_home_says_what_is_missing_and_how_to_get_it(home, capsys):
    assert main(["status"]) == 0
    printed = capsys.readouterr().out
    assert f"Data home: {home}" in printed
    for word in (
        "nats_tss",
        "freerea",
        "missing",
        "python -m harness.data fetch nats_tss",
        "fetch cifar10",
        "Apache-2.0",
    ):
        assert word in printed
    assert not home.exists()


def test_images_that_must_be_got_by_hand_name_their_page_and_folder(home, capsys):
    assert main(["fetch", "ImageNet16-120"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("Nothing was fetched. ImageNet16-120: ")
    assert "https://image-net.org/download-images" in printed
    assert f"real/ImageNet16 of the image folder. The image folder is {home / 'images'}." in printed


def test_fetching_twice_changes_nothing(fetched_home, capsys, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    before = {path: path.stat().st_mtime_ns for path in (fetched_home / "truth").rglob("*")}
    assert main(["fetch", "all"]) == 0
    printed = capsys.readouterr().out
    assert "already complete" in printed
    assert "fetched by name: cifar10, cifar100, mnist." in printed
    assert {path: path.stat().st_mtime_ns for path in (fetched_home / "truth").rglob("*")} == before
    assert not (fetched_home / "downloads").exists()


def test_status_on_a_terminal_of_80_columns_has_no_longer_line(home, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the captured output for a terminal
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    homes, rest = lines[:2], lines[2:]
    assert [line.split(":")[0] for line in homes] == ["Data home", "Image folder"]
    assert max(map(len, rest)) <= 80
    assert "nats_tss, embedded (digits: test): embedded, 15,625 rows, 0.3 MB" in rest
    at = rest.index("nats_tss, freerea: missing")
    assert rest[at + 1 : at + 4] == [
        "    get     python -m harness.data fetch nats_tss",
        "    where   truth/nats_tss/freerea.parquet",
        "    source  MIT, NiccoloCavagnero/FreeREA",
    ]


def test_status_and_verify_of_a_fetched_home(fetched, capsys):
    assert main(["status"]) == 0
    printed = capsys.readouterr().out
    assert "15,625 rows" in printed
    assert printed.count("present") == N_TABLES
    assert main(["verify"]) == 0
    assert f"{N_TABLES} whole, 0 damaged." in capsys.readouterr().out


def test_a_damaged_table_is_named_refused_and_repaired_by_fetching(fetched, capsys):
    table = fetched / "truth" / "nats_tss" / "freerea.parquet"
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    assert main(["verify"]) == 1
    printed = capsys.readouterr().out
    assert f"DAMAGED  {table} does not match its checksum file. Run `python -m harness.data fetch nats_tss`" in printed
    assert f"{N_TABLES - 1} whole, 1 damaged." in printed
    assert main(["status"]) == 0
    assert "damaged" in capsys.readouterr().out
    assert main(["fetch", "nats_tss"]) == 0
    assert main(["verify"]) == 0
    assert Truth.open("nats_tss", fetched).values(ARCHS, "cifar10", "test200") == pytest.approx([93.66])


def test_an_older_conversion_is_made_again(fetched, capsys, monkeypatch):
    newer = replace(TRUTH_SOURCES.get("nats_tss/freerea"), version=2)
    assert not is_current(newer, fetched)
    assert fetch(newer, fetched)
    assert is_current(newer, fetched)
    assert main(["status"]) == 0
    assert "outdated" in capsys.readouterr().out


def test_a_corrupted_mirror_leaves_the_home_as_it_was(home, mirror, tmp_path, monkeypatch, capsys):
    for number, file in enumerate(TRUTH_SOURCES.get("nats_tss/freerea").files):
        content = (mirror / file.key).read_bytes()
        copy = tmp_path / "mirror" / file.key
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content if number == 0 else content[: len(content) // 2])
    monkeypatch.setenv("HARNESS_MIRROR", str(tmp_path / "mirror"))
    assert main(["fetch", "nats_tss"]) == 2
    printed = capsys.readouterr().err
    assert "cifar100/accuracies.csv gave 180,525 bytes instead of the published 361,050" in printed
    assert printed.count("\n") == 1
    assert not (home / "truth").exists()
    assert not list(home.rglob("*.part"))


def test_without_network_one_sentence_names_the_url(home, monkeypatch, capsys):
    monkeypatch.setenv("HARNESS_MIRROR", "http://127.0.0.1:9")  # the discard port: nothing listens
    assert main(["fetch", "nats_tss"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("http://127.0.0.1:9/NiccoloCavagnero/FreeREA/")
    assert "Set HARNESS_MIRROR to a folder or URL" in printed
    assert printed.count("\n") == 1


def test_what_an_interrupted_fetch_left_is_listed_and_never_read(fetched, capsys):
    (fetched / "truth" / "nats_tss" / ".freerea.parquet.1-0.part").write_bytes(b"half a table")
    assert main(["verify"]) == 0
    assert "left by an interrupted fetch" in capsys.readouterr().out
    assert Truth.open("nats_tss", fetched).values(ARCHS, "cifar10", "test200") == pytest.approx([93.66])


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path, mirror, monkeypatch, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "file"))
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    assert main(["fetch", "nats_tss"]) == 2
    printed = capsys.readouterr().err
    assert f"Check HARNESS_DATA={tmp_path / 'file'}." in printed
    assert printed.count("\n") == 1


def test_verify_names_damaged_images(home, tmp_path, monkeypatch, capsys):
    (tmp_path / "images" / "real").mkdir(parents=True)
    (tmp_path / "images" / "real" / "cifar10.npz").write_bytes(b"PK\x03\x04 half")
    monkeypatch.setenv("HARNESS_IMAGES", str(tmp_path / "images"))
    assert main(["verify"]) == 1
    assert "cifar10.npz is not a valid npz file" in capsys.readouterr().out


def test_two_fetches_at_once_both_succeed(home, mirror, monkeypatch, capsys):
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    with ThreadPoolExecutor(2) as both:
        assert list(both.map(main, [["fetch", "nats_tss"]] * 2)) == [0, 0]
    printed = capsys.readouterr().out
    assert printed.count("written to") == printed.count("already complete") == N_TABLES


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["fetch", "nb360"],
            "Nothing of nb360 can be fetched. Run `python -m harness.data import nb360 PATH`, PATH being",
        ),
        (
            ["import", "nasbench_macro", "some.json"],
            "The truth of nasbench_macro is fetched, not imported: python -m harness.data fetch nasbench_macro.",
        ),
    ],
)
def test_what_is_imported_and_what_is_fetched_is_told(words, sentence, home, capsys):
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(sentence)
    assert printed.count("\n") == 1


def test_a_fetched_file_makes_the_tables_of_all_its_readings_and_tells_its_licence(
    mirror, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    assert main(["fetch", "nasbench_bert_trained"]) == 0
    printed = capsys.readouterr().out.splitlines()
    names = ("nasbench_bert", "nasbench_bert_declared", "nasbench_bert_trained")
    assert [line.partition("/")[0] for line in printed] == list(names)
    assert all(line.endswith(".parquet; licence: CC BY 4.0") for line in printed)


def test_the_releases_of_other_names_are_known_before_anything_is_read():
    releases = [TRUTH_IMPORTS.get(name) for name in TRUTH_IMPORTS]
    assert {one.name for one in releases if not one.part_of and one.name != one.benchmark} == set(IMPORTED)
