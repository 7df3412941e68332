"""The command that a record names."""

from harness.cli.invocation import Invocation


def test_a_record_names_no_folder_of_the_machine():
    words = ("--cells", "50", "--out", "/home/me/perf", "--inputs", "real")
    assert Invocation("perf", words).elsewhere == "python -m harness.perf --cells 50 --inputs real"
    assert Invocation("run", ("proxy=zico", "out=/home/me/x")).elsewhere == "python -m harness proxy=zico"
    assert Invocation("perf", words).text.endswith("--out /home/me/perf --inputs real")
