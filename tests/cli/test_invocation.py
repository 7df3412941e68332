"""The command that a record names."""

from harness.cli.invocation import Invocation, anywhere


def test_a_record_names_no_folder_of_the_machine():
    words = ("--cells", "50", "--out", "/home/me/perf", "--inputs", "real")
    assert Invocation("perf", words).elsewhere == "python -m harness.perf --cells 50 --inputs real"
    assert Invocation("run", ("proxy=zico", "out=/home/me/x")).elsewhere == "python -m harness proxy=zico"
    assert Invocation("perf", words).text.endswith("--out /home/me/perf --inputs real")


def test_a_command_for_others_names_neither_the_results_nor_the_store_of_the_machine():
    command = "python -m harness 'proxy=[zico,params]' store=/home/me/s.sqlite out=/home/me/x sample=10"
    assert anywhere(command) == "python -m harness 'proxy=[zico,params]' sample=10"
    assert (
        anywhere("python -m harness.score nats_tss --store /home/me/s --out=x.csv")
        == "python -m harness.score nats_tss"
    )
    assert anywhere("python -m harness ++out=/home/me/x +store=/home/me/s") == "python -m harness"
    call = "Called from Python: evaluate(['zico'], Settings(store=PosixPath('/home/me/s.sqlite'), sample=10))"
    assert anywhere(call) == "Called from Python: evaluate(['zico'], Settings(store=..., sample=10))"
    assert anywhere("no 'shell reads this") == "no 'shell reads this"
