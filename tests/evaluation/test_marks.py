"""Marks: what is written is read, wherever architectures are read."""

import pandas as pd
import pytest

from harness.cli.compose import composed_configs
from harness.errors import HarnessError
from harness.evaluation.marks import Mark, add_mark, read_marks, write_marks
from harness.evaluation.population import open_population
from harness.space import BENCHMARKS
from harness.train.config import read_trainings

TSS = BENCHMARKS.get("nats_tss")
FIRST, SECOND = TSS.architectures[11], TSS.architectures[12]


def test_marks_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "marked.csv"
    marks = [Mark(SECOND, "=1+1, so it seems"), Mark(FIRST), Mark(TSS.architectures[0], 'a "quoted" note')]
    write_marks(path, TSS, marks)
    assert path.read_text(encoding="utf-8").splitlines()[0] == "arch,index,note"
    assert "'=1+1" in path.read_text(encoding="utf-8")  # no spreadsheet computes it
    assert read_marks(path, TSS) == marks


def test_an_architecture_without_an_index_can_be_marked(tmp_path):
    space = BENCHMARKS.get("imagenet_mbv2")
    assert add_mark(tmp_path / "marked.csv", space, Mark(space.start, "the start")) == 1
    assert read_marks(tmp_path / "marked.csv", space) == [Mark(space.start, "the start")]


def test_marking_again_changes_the_note_and_keeps_it_without_one(tmp_path):
    path = tmp_path / "marked.csv"
    assert add_mark(path, TSS, Mark(FIRST, "good")) == 1
    assert add_mark(path, TSS, Mark(SECOND)) == 2
    assert add_mark(path, TSS, Mark(FIRST, "better")) == 2
    assert add_mark(path, TSS, Mark(FIRST)) == 2
    assert read_marks(path, TSS) == [Mark(FIRST, "better"), Mark(SECOND)]


def test_indices_alone_are_marks_and_make_a_population(tmp_path):
    path = tmp_path / "marked.csv"
    pd.DataFrame({"index": [12, 11]}).to_csv(path, index=False)
    assert read_marks(path, TSS) == [Mark(SECOND), Mark(FIRST)]
    write_marks(path, TSS, read_marks(path, TSS))
    assert open_population(TSS, str(path)).archs == (FIRST, SECOND)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"arch,index\n{FIRST},12\n", f"line 2: index 12 is not that of '{FIRST}', which is 11"),
        ("arch,note\n|none~0|,x\n", "line 2: '|none~0|' is"),
        ("architect,note\n11,x\n", "it needs arch"),
        ("arch,note\n", "has no rows"),
    ],
)
def test_a_mistake_is_one_sentence(text, sentence, tmp_path):
    path = tmp_path / "marked.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError) as raised:
        read_marks(path, TSS)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_training_takes_each_marked_architecture_in_turn(tmp_path):
    path = tmp_path / "marked.csv"
    write_marks(path, TSS, [Mark(SECOND, "first to train"), Mark(FIRST)])
    (config,) = composed_configs("train", [f"arch=@{path}", f"out={tmp_path}"])
    trainings = read_trainings(config)
    assert [training.job.arch for training in trainings] == [SECOND, FIRST]
    assert len({training.location.out for training in trainings}) == 2
    (config,) = composed_configs("train", ["arch=11", f"out={tmp_path}"])
    (training,) = read_trainings(config)
    assert training.location.out == tmp_path
