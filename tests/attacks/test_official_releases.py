"""Official releases from a stranger: no text in them is taken for a path, and nothing of them runs."""

import ast
import bz2
import pickle
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks.size import n_attacks
from nats_bench.api_utils import ArchResults

from harness.errors import CorruptDataError, HarnessError
from harness.files import safe_pickle
from harness.truth.imports import TRUTH_IMPORTS

pytestmark = pytest.mark.long  # imports of files that rarely change

RELEASES = {"nats_tss": ("NATS-tss-v1_0-3ffb9-simple", "200"), "nats_sss": ("NATS-sss-v1_0-50262-simple", "90")}
ROOT = Path(__file__).parent.parent.parent


class _Touch:
    """Pickles as a call that makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture(params=RELEASES)
def bench(request) -> str:
    return request.param


@pytest.fixture
def folder(bench: str, official: Path, tmp_path: Path) -> Path:
    """A folder with one official file."""
    name = RELEASES[bench][0]
    (tmp_path / name).mkdir()
    shutil.copy(official / name / "000011.pickle.pbz2", tmp_path / name)
    return tmp_path / name


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that the trap makes when it is unpickled."""
    return tmp_path / "ran"


@pytest.fixture
def trap(tmp_path: Path, marker: Path) -> str:
    """The path of a pickle that makes `marker` if it is opened by an unpickler that calls."""
    path = tmp_path / "trap.pickle.pbz2"
    path.write_bytes(bz2.compress(pickle.dumps(_Touch(marker))))
    return str(path)


def content_of(folder: Path) -> dict:
    return safe_pickle.load(bz2.decompress((folder / "000011.pickle.pbz2").read_bytes()))


def put(content: object, folder: Path) -> None:
    (folder / "000011.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content, protocol=4), compresslevel=1))


def test_a_path_in_the_place_of_a_record_is_not_opened(bench, folder, trap, marker):
    put({RELEASES[bench][1]: trap}, folder)
    with pytest.raises(CorruptDataError, match=r"000011.*the record is of type str, not dict\. Fetch it again\."):
        TRUTH_IMPORTS.get(bench).convert(folder)
    assert not marker.exists()


def test_the_package_itself_would_have_opened_it(trap, marker):
    """Why its class is not used; the day this fails, the package has been mended."""
    with pytest.raises(AttributeError):  # None, which the trap's call returns, has no items
        ArchResults.create_from_state_dict(trap)
    assert marker.exists()


def nodes(content: object, path: tuple = ()) -> Iterator[tuple]:
    """The path of every value in nested dictionaries and lists."""
    found = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in found:
        yield (*path, key)
        yield from nodes(value, (*path, key))


def test_a_path_anywhere_in_a_file_is_not_opened(bench, folder, trap, marker):
    """Drawn from all some thousand places of a file, those of the upper levels more often."""
    content, draw = content_of(folder), random.Random(0)
    places = list(nodes(content))
    upper = [place for place in places if len(place) <= 4]
    tried = [*draw.sample(upper, min(len(upper), n_attacks(12))), *draw.sample(places, n_attacks(4))]
    for place in tried:
        forged = pickle.loads(pickle.dumps(content))
        inner = forged
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = trap
        put(forged, folder)
        try:
            TRUTH_IMPORTS.get(bench).convert(folder)
        except HarnessError as error:
            assert "000011.pickle.pbz2 is not the official file" in str(error)  # noqa: PT017 - some places are not read
    assert not marker.exists()


def test_a_record_cannot_bring_attributes_or_methods(bench, folder):
    """The package copies every key of a record into the attributes of its object."""
    whole = TRUTH_IMPORTS.get(bench).convert(folder)
    content = content_of(folder)
    content[RELEASES[bench][1]] |= {"get_dataset_names": 3, "__class__": "x", "query": {"a": 1}}
    put(content, folder)
    again = TRUTH_IMPORTS.get(bench).convert(folder)
    for before, after in zip(whole.values, again.values, strict=True):
        assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("arch_index", "11", "'arch_index' is not an integer"),
        ("arch_index", True, "'arch_index' is not an integer"),
        ("arch_str", "x" * 10**6, "'arch_str' is not a text of at most 200 characters"),
        ("arch_str", b"8:8", "'arch_str' is not a text"),
        ("dataset_seed", {}, "names other data sets than cifar10-valid"),
        ("dataset_seed", {"cifar10": [777, 777]}, "lists a seed twice"),
        ("dataset_seed", {"cifar10": list(range(10**5))}, "1 to 16 seeds"),
        ("dataset_seed", {"cifar10": [10**400]}, "a seed is not an integer"),
        ("dataset_seed", {"elsewhere": [777]}, "names other data sets"),
        ("all_results", {}, "with seed 777 is missing|with seed 111 is missing"),
    ],
)
def test_every_field_has_one_type(bench, folder, field, value, sentence):
    content = content_of(folder)
    content[RELEASES[bench][1]][field] = value
    put(content, folder)
    with pytest.raises(CorruptDataError, match=rf"000011\.pickle\.pbz2 is not the official file: .*({sentence})"):
        TRUTH_IMPORTS.get(bench).convert(folder)


@pytest.mark.parametrize(
    "accuracy", ["90.0", True, [90.0], float("nan"), float("inf"), -1.0, 100.1, 1e308, 10**30, None], ids=str
)
def test_an_accuracy_is_a_percentage(bench, folder, accuracy):
    content = content_of(folder)
    schedule = RELEASES[bench][1]
    content[schedule]["all_results"]["cifar10", 777]["eval_acc1es"][f"ori-test@{int(schedule) - 1}"] = accuracy
    put(content, folder)
    with pytest.raises(CorruptDataError, match=r"'ori-test@\d+' of the result of cifar10 with seed 777 is "):
        TRUTH_IMPORTS.get(bench).convert(folder)


def test_no_shipped_module_imports_a_package_that_opens_what_data_names():
    """`nats_bench` opens paths in its data; `pickle`, `yaml` and the like build what data asks for."""
    # `check nats_tss` compares names with the package, and hands it no file.
    compared = {"benchmarks/nats_tss/reference.py: " + name for name in ("nats_bench", "nats_bench.genotype_utils")}
    # Restrictions are composed as nodes of text, as `test_of_yaml_restrictions_use_what_builds_nothing` holds.
    compared.add("harness/evaluation/restriction_file.py: yaml")
    forbidden = {"nats_bench", "dill", "cloudpickle", "marshal", "shelve", "yaml"}
    found = []
    for path in (path for package in ("harness", "benchmarks", "proxies") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.relative_to(ROOT)}: {name}" for name in names if name.partition(".")[0] in forbidden]
    assert set(found) - compared == set()


def test_torch_and_numpy_never_unpickle_freely():
    """Every `torch.load` is told `weights_only=True`, every `np.load` `allow_pickle=False`; nothing calls pandas'."""
    wanted = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
    banned = {"pd.read_pickle", "pickle.load", "pickle.loads", "joblib.load", "yaml.load"}
    n_checked = 0
    for path in (path for package in ("harness", "benchmarks", "proxies") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            assert called not in banned, f"{path}:{node.lineno}"
            if called in wanted:
                name, value = wanted[called]
                given = {each.arg: ast.literal_eval(each.value) for each in node.keywords if each.arg == name}
                assert given == {name: value}, f"{path}:{node.lineno}"
                n_checked += 1
    assert n_checked > 0


def test_of_yaml_restrictions_use_what_builds_nothing():
    """Events and nodes are text and its places; only a loader's constructor would make objects of them."""
    builds_nothing = {"parse", "compose", "BaseLoader", "ScalarNode", "SequenceNode", "MappingNode"}
    builds_nothing |= {"CollectionStartEvent", "CollectionEndEvent"}
    errors = {"YAMLError", "MarkedYAMLError"}
    tree = ast.parse((ROOT / "harness/evaluation/restriction_file.py").read_text(encoding="utf-8"))
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "yaml"]
    named = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.value in used]
    assert len(named) == len(used)  # the package itself is handed to nothing
    assert set(named) <= builds_nothing | errors
