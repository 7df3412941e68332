"""Data flows one way: a stage imports earlier stages only."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
STAGES = [
    {"errors"},
    {"paths", "deprecated", "lazy", "progress", "plug_in_code", "timm_import"},
    {"registry", "randomness", "columns", "files"},
    {"column_meanings", "result_tables"},
    {"predictors"},
    {"inputs"},
    {"space", "truth"},
    {"searchers", "protocol", "placement", "figure_options"},
    {"settings", "evidence"},
    {"proxy", "cli"},
    {"store", "ensembles"},
    {"scoring", "agreement"},
    {"report"},
    {"evaluation"},
    {"tables", "records"},
    {"search", "check"},
    {"score", "train"},
    {"__main__", "__init__", "compare", "convert", "data", "describe", "docs", "lens", "list", "perf", "plan"}
    | {"submit", "theory", "verify"},
    {"choose", "page"},
    {"predict", "site"},
]
RANK = {name: rank for rank, names in enumerate(STAGES) for name in names}


def imported(file: Path) -> set[str]:
    """Full names of the modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def stage(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in RANK else ""


def test_every_stage_has_its_place():
    names = {path.stem for path in (ROOT / "harness").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert names - {"__pycache__", "conf"} == set(RANK)


def test_stages_import_earlier_ones_only():
    backwards = []
    for file in (ROOT / "harness").rglob("*.py"):
        own = file.relative_to(ROOT / "harness").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for module in imported(file):
            if module.startswith("harness.") and stage(module) not in ("", own) and RANK[stage(module)] >= RANK[own]:
                backwards.append(f"{file.name} imports {module}")
    assert not backwards


def test_plug_ins_import_contracts_only():
    """Proxies know evidence; benchmarks know search space, inputs and truth; neither knows what is made of them."""
    limits = {"proxies": RANK["proxy"], "benchmarks": RANK["truth"]}
    wrong = [
        f"{file} imports {module}"
        for package, limit in limits.items()
        for file in (ROOT / package).rglob("*.py")
        for module in imported(file)
        if module.startswith("harness.") and stage(module) and RANK[stage(module)] > limit
    ]
    assert not wrong


def test_the_harness_names_no_plug_in():
    named = [
        f"{file} imports {module}"
        for file in (ROOT / "harness").rglob("*.py")
        for module in imported(file)
        if module.split(".")[0] in ("proxies", "benchmarks")
    ]
    assert not named


def test_hydra_stops_at_the_door():
    allowed = {"compose.py"}
    files = [file for package in ("harness", "proxies", "benchmarks") for file in (ROOT / package).rglob("*.py")]
    users = {file.name for file in files if any(module.split(".")[0] == "hydra" for module in imported(file))}
    assert users == allowed
