"""Notations: each space reads what it and the field's packages write, and says what is wrong with the rest."""

from random import Random

import pytest

from benchmarks.nasbench101.cell import CONV_3X3, Cell
from harness.errors import OptionError, UnknownNameError
from harness.space import BENCHMARKS
from harness.space.notation import nearest, read_all

TSS, NB101 = BENCHMARKS.get("nats_tss"), BENCHMARKS.get("nasbench101")
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
CONV = Cell(((0, 1), (1, 2)), (CONV_3X3,)).name  # input -> conv 3x3 -> output, by its official hash


def in_line(at: int) -> str:
    return f"line {at + 2}"


@pytest.mark.parametrize("bench", list(BENCHMARKS))
def test_each_notation_reads_what_it_writes(bench):
    space, rng = BENCHMARKS.get(bench), Random(5)
    listed = space.enumerable and not space.complete  # only what was trained has an index
    archs = rng.sample(list(space.architectures), 40) if listed else [space.random(rng) for _ in range(40)]
    for notation in space.notations.values():
        texts = [notation.write(arch) for arch in archs]
        assert [notation.read(text) for text in texts] == archs
        assert read_all(space, texts, in_line, notation.name)[1] == archs


@pytest.mark.parametrize(
    "text",
    [
        CELL,
        f"  {CELL}\n",
        CELL.replace("+", " + "),
        f"Structure(4 nodes with {CELL})",
        # NASLib's order of edges 01 02 03 12 13 23 and of operations skip, none, 3x3, 1x1, pool
        "(2, 1, 4, 0, 3, 1)",
        "[2 1 4 0 3 1]",
        "2,1,4,0,3,1",
        "{(1, 2): 'ReLUConvBN3x3', (1, 3): 'Zero', (1, 4): 'AvgPool1x1', (2, 3): 'Identity', (2, 4): 'ReLUConvBN1x1', "
        "(3, 4): 'Zero'}",
        '{"0-1": "nor_conv_3x3", "0-2": "none", "0-3": "avg_pool_3x3", "1-2": "skip_connect", "1-3": "nor_conv_1x1", '
        '"2-3": "none"}',
        "{'1<-0': 'nor_conv_3x3', '2<-0': 'none', '2<-1': 'skip_connect', '3<-0': 'avg_pool_3x3', "
        "'3<-1': 'nor_conv_1x1', '3<-2': 'none'}",
        "((('nor_conv_3x3', 0),), (('none', 0), ('skip_connect', 1)), "
        "(('avg_pool_3x3', 0), ('nor_conv_1x1', 1), ('none', 2)))",
        str(TSS.index(CELL)),
        f"{TSS.index(CELL)}.0",
    ],
)
def test_a_cell_of_nats_bench_in_every_writing(text):
    assert TSS.find(text) == CELL
    assert read_all(TSS, [text], in_line)[1] == [CELL]


@pytest.mark.parametrize(
    "text",
    [
        CONV,
        CONV.upper(),
        '{"matrix": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "ops": ["input", "conv3x3-bn-relu", "output"]}',
        "{'module_adjacency': array([[0, 1, 0],\n       [0, 0, 1],\n       [0, 0, 0]], dtype=int8), "
        "'module_operations': ['input', 'conv3x3-bn-relu', 'output']}",
        # the pooling leads nowhere and is pruned
        "([[0 1 1 0]\n [0 0 0 1]\n [0 0 0 0]\n [0 0 0 0]], ['input', 'conv3x3', 'maxpool3x3', 'output'])",
        "(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 4, 1)",
    ],
)
def test_a_cell_of_nasbench101_by_hash_matrix_and_tuple(text):
    assert NB101.find(text) == CONV
    assert read_all(NB101, [text], in_line)[1] == [CONV]


def test_other_spaces_by_the_tuples_of_their_field():
    assert BENCHMARKS.get("nats_sss").find("(8, 16, 24, 32, 64)") == "8:16:24:32:64"
    # naslib/search_spaces/transbench101/conversions.py leaves the zeros out
    assert BENCHMARKS.get("transnas_macro").find("[1 2 3 4 0 0]") == "64-1234-basic"
    # edges 01 02 12 03 13 23 of the string; NASLib's networks have 01 02 03 12 13 23 and skip, none, 3x3, 1x1
    micro = BENCHMARKS.get("transnas_micro")
    assert micro.notations["naslib"].read("(0, 1, 2, 3, 0, 1)") == "64-41414-0_12_301"
    assert micro.notations["naslib_network"].read("(0, 1, 2, 3, 0, 1)") == "64-41414-1_02_310"


def test_a_tuple_with_two_meanings_is_not_guessed():
    micro = BENCHMARKS.get("transnas_micro")
    with pytest.raises(OptionError, match=r"has two meanings in transnas_micro: 64-41414-0_12_301 as naslib, and 64-"):
        micro.find("(0, 1, 2, 3, 0, 1)")
    with pytest.raises(
        OptionError, match=r"\(line 2\) has two meanings: .* Say which notation it is: scores_notation="
    ):
        read_all(micro, ["(0, 1, 2, 3, 0, 1)"], in_line)
    assert read_all(micro, ["(0, 1, 2, 3, 0, 1)"], in_line, "naslib")[1] == ["64-41414-0_12_301"]


@pytest.mark.parametrize(
    ("bench", "text", "reason"),
    [
        (
            "nats_tss",
            CELL.replace("avg_pool", "avgpool"),
            "No operation is called 'avgpool_3x3'. Did you mean 'avg_pool",
        ),
        ("nats_tss", "(2, 1, 4, 0, 3, 5)", "there is no operation 5; they are 0 to 4."),
        ("nats_tss", "(2, 1, 4)", "it has 3 operations; a cell has 6."),
        ("nats_tss", "{(1, 2): 'Identity'}", "it lacks the edges (0, 2), (1, 2), (0, 3), (1, 3), (2, 3); write none"),
        ("nats_tss", "{(0, 5): 'Identity'}", "it has the edge (0, 5); a cell has (0, 1), "),
        ("nats_tss", "[[('none', 0)], [('none', 0)]]", "its edges are (0, 1), (0, 2); a cell has (0, 1), "),
        ("nats_sss", "(8, 16, 24, 32, 63)", "it must have 5 widths, each of 8, 16, "),
        ("transnas_macro", "(1, 2, 3, 9, 0, 0)", "it must have four to six modules, 1 to 4"),
        ("nasbench101", '{"matrix": [[0, 1], [0, 0]], "ops": ["input", "x", "output"]}', "its 3 operations must be"),
        (
            "nasbench101",
            '{"matrix": [[0, 1], [1, 0]], "ops": ["input", "output"]}',
            "an entry on or below the diagonal",
        ),
        ("nasbench101", '{"matrix": [[0, 0], [0, 0]], "ops": ["input", "output"]}', "no path from input to output"),
        ("nasbench101", '{"matrix": [[0, 1, 2]], "ops": ["input", "output"]}', "its matrix is not a square of 0 and 1"),
        ("nats_tss", "(" * 9000, "; an example is '|avg_pool"),
    ],
)
def test_what_is_no_architecture_is_said_why(bench, text, reason):
    with pytest.raises(UnknownNameError) as raised:
        read_all(BENCHMARKS.get(bench), [text], in_line)
    assert reason in str(raised.value)
    assert str(raised.value).startswith(("'", "'(("))
    assert "(line 2) is not an architecture of " in str(raised.value)


def test_two_notations_in_one_column_are_told_by_line():
    with pytest.raises(
        OptionError, match=r"two notations: '11' \(line 2\) is index and '\(2, 1.*' \(line 4\) is naslib"
    ):
        read_all(TSS, ["11", "12", "(2, 1, 4, 0, 3, 1)"], in_line)


def test_a_misspelt_name_leads_to_the_nearest():
    assert nearest(TSS, CELL.replace("~2", "~3")) == CELL
    assert nearest(TSS, CELL.replace("|nor_conv_3x3", "nor_conv_3x3", 1)) == CELL
    assert nearest(BENCHMARKS.get("transnas_micro"), "64-41414-3_02_1l2") is not None
    assert nearest(TSS, "zico") is None
    with pytest.raises(UnknownNameError, match=r"Did you mean '8:16:24:32:64'\?|Did you mean '"):
        BENCHMARKS.get("nats_sss").find("8:16:24:32:65")
