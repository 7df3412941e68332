"""Tables made of score tables and ground truth alone: an audit's figures, and every proxy beside every count."""

from pathlib import Path

import pandas as pd
import pytest

from harness.paths import DATA_VARIABLE
from harness.report.verdict import counting_answer
from harness.settings import AGAINST
from harness.space import BENCHMARKS
from harness.tables.__main__ import main
from harness.tables.scores import ScoreSources
from harness.tables.spec import read_spec
from harness.tables.verdicts import judged

ROOT = Path(__file__).parent.parent.parent
SCORES = ROOT / "results" / "scores"


@pytest.fixture
def at_home(fetched_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(DATA_VARIABLE, str(fetched_home))
    return fetched_home


def test_every_figure_of_the_audit_is_found_again_to_its_last_digit(at_home, tmp_path, capsys) -> None:
    assert main(["table=audit", f"scores={SCORES}", f"out={tmp_path}"]) == 0
    assert "40 figures, 40 equal" in capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "audit.csv")

    def ours(quantity: str, *names: str) -> float:
        wanted = dict(zip(("votes", "subject", "baseline"), names, strict=False))
        own = rows[(rows["quantity"] == quantity) & (rows["population"] == "all")]
        for name, value in wanted.items():
            own = own[own[name] == value]
        assert len(own) == 1
        return float(own["ours"].iloc[0])

    # 15,625 cells are 5,425 networks; over networks the live count's lead of .079 over #Params is .0006.
    assert ours("networks") == 5_425
    assert ours("delta", "cells", "flops_live", "params") == pytest.approx(0.0793, abs=5e-5)
    assert ours("delta", "networks", "flops_live", "params") == pytest.approx(0.00056, abs=5e-6)
    assert ours("delta", "networks", "zico", "flops_live") == pytest.approx(0.0013, abs=5e-5)
    assert ours("effective classes", "cells", "zico", "params") == pytest.approx(4.48, abs=5e-3)
    committed = pd.read_csv(ROOT / "results" / "tables" / "audit.csv")
    assert committed["ours"].to_numpy() == pytest.approx(rows["ours"].to_numpy(), rel=1e-5)


@pytest.mark.long
def test_a_proxy_is_compared_with_every_count_over_cells_and_networks(at_home) -> None:
    own = judged(ScoreSources(SCORES), "nasbench101", "cifar10")
    assert own is not None
    assert own.counts == AGAINST
    zico = own.verdicts.query("proxy == 'zico'").to_dict("records")
    assert [row["baseline"] for row in zico] == list(AGAINST)
    # On 200 cells zico leads #Params by .138; among 40 columns even that is undecided.
    assert zico[0]["delta"] == pytest.approx(0.138, abs=5e-4)
    assert zico[0]["p_holm"] == pytest.approx(0.0536, abs=5e-4)
    assert counting_answer(zico, networks=False)[0] == "undecided"
    beside_params = own.verdicts.query("baseline == 'params'")
    assert {100, 200} < set(beside_params["n"])
    assert set(beside_params["n_family"]) == {40}  # whatever the sample that a proxy was scored on
    assert judged(ScoreSources(SCORES), "nats_tss", "digits") is None  # counts only


def test_a_count_that_is_equal_everywhere_decides_nothing() -> None:
    beaten = {"baseline": "params", "baseline_tau": 0.5, "beats": "yes", "beats_networks": "no difference"}
    constant = {"baseline": "depth", "baseline_tau": float("nan"), "beats": "undecided", "beats_networks": "undecided"}
    assert counting_answer([beaten, constant], networks=False) == ("yes", ["params"])
    assert counting_answer([beaten, constant], networks=True) == ("no difference", ["params"])
    assert counting_answer([constant], networks=False) == ("undecided", [])


@pytest.mark.long
def test_vkdnw_is_compared_on_the_cells_without_unreachable_operations(at_home, tmp_path) -> None:
    assert main(["table=vkdnw_table1", f"scores={SCORES}", f"out={tmp_path}"]) == 0
    rows = pd.read_csv(tmp_path / "vkdnw_table1.csv").query("dataset == 'cifar10'")
    found = rows.set_index(["published_proxy", "coefficient"])
    assert set(rows["n_population"]) == {int(BENCHMARKS.get("nats_tss").members("reachable").sum())} == {9_445}
    for proxy, tau, rho in (("flops", 0.623, 0.799), ("n_trainable_layers", 0.626, 0.767)):
        assert round(found.loc[(proxy, "tau"), "ours"], 3) == tau == found.loc[(proxy, "tau"), "published"]
        assert round(found.loc[(proxy, "rho"), "ours"], 3) == rho == found.loc[(proxy, "rho"), "published"]
    assert found.loc[("vkdnw_m", "tau"), "missing"] == "not a proxy of this harness"
    # Each network one vote: 0.612 for both of the counts' kind, as the audit of all cells has it.
    assert found.loc[("flops", "tau"), "networks"] == pytest.approx(0.612, abs=5e-4)


def test_every_published_table_names_its_population() -> None:
    for path in sorted((ROOT / "conf" / "tables").glob("*.yaml")):
        spec = read_spec(path.stem)
        assert "population:" in path.read_text() or spec.kind in ("audit", "facts")
        assert all(spec.population in BENCHMARKS.get(bench).populations for bench in spec.bench)
