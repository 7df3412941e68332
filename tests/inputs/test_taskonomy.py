import math

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.inputs.class_distributions import CLASS_OBJECT, CLASS_SCENE, OBJECTS, SCENES
from benchmarks.inputs.image_targets import AUTOENCODER, NORMAL, SEGMENTSEMANTIC
from benchmarks.inputs.jigsaw import JIGSAW, orders
from benchmarks.inputs.room_layout import ROOM_LAYOUT
from benchmarks.transnas.skeleton import TASKS
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.randomness import generator

N_VIEWS = 4
REQUEST = BatchRequest(n_batches=1, batch_size=N_VIEWS)
TARGETS = {
    "class_object": ((75,), torch.float32),
    "class_scene": ((47,), torch.float32),
    "room_layout": ((9,), torch.float32),
    "jigsaw": ((), torch.int64),
    "segmentsemantic": ((256, 256), torch.int64),
    "normal": ((3, 256, 256), torch.float32),
    "autoencoder": ((3, 256, 256), torch.float32),
}


@pytest.fixture
def home(tmp_path):
    """Two buildings with two views each, 32 x 32; everything of view v is made of the number v = 1 ... 4."""
    for view in range(1, N_VIEWS + 1):
        building = tmp_path / "real" / "taskonomy" / ("allensville", "beechwood")[view // 3]
        names = {name: building / name / f"point_{view}_view_0_domain_{name}" for name in ("rgb", *TARGETS)}
        for path in names.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        colours = np.broadcast_to(np.array([51 * view, 0, 255], np.uint8), (32, 32, 3))
        Image.fromarray(colours).save(f"{names['rgb']}.png")
        Image.fromarray(colours).save(f"{names['normal']}.png")
        labels = np.zeros((32, 32), np.uint8)
        labels[16:] = 1
        labels[16:, 16:] = 10 + view
        Image.fromarray(labels).save(f"{names['segmentsemantic']}.png")
        np.save(f"{names['room_layout']}.npy", np.arange(9.0) + view)
        for name, kept, n_known in (("class_object", OBJECTS, 1_000), ("class_scene", SCENES, 365)):
            likelihoods = np.zeros(n_known)
            likelihoods[[0, kept[view], kept[-1]]] = 0.5, 0.375, 0.125  # the first is none of the kept classes
            np.save(f"{names[name]}.npy", likelihoods)
    return tmp_path


def drawn(name, home, kind=InputKind.real):
    """The one batch of all views in the order of the views, and the whole answer."""
    data_set = DATA_SETS.get(name)
    batches = draw_batches(data_set, BatchRequest(kind, 1, N_VIEWS), home)
    (batch,) = batches
    place = batch.images[:, 0, 0, 0].argsort()
    return batch.images[place], batch.targets[place], batches


def test_the_tasks_are_registered():
    assert all(DATA_SETS.get(name).name == name for name in TASKS)
    assert set(TARGETS) == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_noise_has_targets_that_the_loss_takes(name, tmp_path):
    data_set = DATA_SETS.get(name)
    request = BatchRequest(InputKind.noise, 1, 2)
    (batch,) = first = draw_batches(data_set, request, tmp_path)
    shape, dtype = TARGETS[name]
    assert batch.images.shape == (2, *data_set.shape)
    assert (batch.targets.shape, batch.targets.dtype) == ((2, *shape), dtype)
    assert draw_batches(data_set, request, tmp_path).sha256 == first.sha256
    outputs = torch.zeros(2, data_set.n_classes, *(shape[-2:] if len(shape) > 1 else ()), requires_grad=True)
    loss = data_set.loss(outputs, batch.targets)
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert loss.shape == ()
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0


def test_the_losses_by_hand():
    # Logits (0, log 3) are the softmax (1/4, 3/4); targets (1/2, 1/2), and the official 1e-5 in the logarithm.
    logits, targets = torch.tensor([[0.0, math.log(3)]]), torch.tensor([[0.5, 0.5]])
    by_hand = -(math.log(0.25 + 1e-5) + math.log(0.75 + 1e-5)) / 2
    assert CLASS_SCENE.loss(logits, targets).item() == pytest.approx(by_hand, rel=1e-6)
    # Differences 1 and 3: mean square (1 + 9) / 2 = 5, mean absolute value 2.
    outputs, targets = torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 0.0]])
    assert ROOM_LAYOUT.loss(outputs, targets).item() == 5
    assert NORMAL.loss(outputs, targets).item() == AUTOENCODER.loss(outputs, targets).item() == 2
    # Uniform logits over 17 and 1,000 classes.
    assert SEGMENTSEMANTIC.loss(torch.zeros(1, 17, 2, 2), torch.zeros(1, 2, 2).long()).item() == pytest.approx(
        math.log(17)
    )
    assert JIGSAW.loss(torch.zeros(2, 1000), torch.tensor([3, 999])).item() == pytest.approx(math.log(1000))


def test_random_distributions_are_uniform_on_the_simplex():
    # Of a uniform distribution on the simplex of 47 corners, each coordinate has mean 1/47 and variance 46/(47^2 48).
    drawn_targets = CLASS_SCENE.random_targets(2_000, generator("test"))
    torch.testing.assert_close(drawn_targets.sum(dim=1), torch.ones(2_000))
    assert drawn_targets.mean().item() == pytest.approx(1 / 47, rel=1e-3)
    assert drawn_targets.var().item() == pytest.approx(46 / 47**2 / 48, rel=0.03)


def test_an_autoencoders_noise_is_its_own_target(tmp_path):
    (batch,) = draw_batches(AUTOENCODER, BatchRequest(InputKind.noise, 1, 2), tmp_path)
    assert torch.equal(batch.images, batch.targets)


def test_pictures_are_read_resized_and_normalised(home):
    images, _, batches = drawn("class_scene", home)
    assert batches.source == "taskonomy: allensville, beechwood (4 images)"
    assert images.shape == (N_VIEWS, 3, 256, 256)
    # Red is 51 v / 255 = v / 5; mean 0.5224, standard deviation 0.2234.
    assert images[:, 0, 100, 200].tolist() == pytest.approx([(v / 5 - 0.5224) / 0.2234 for v in range(1, 5)], rel=1e-5)
    assert images[2, 2].unique().item() == pytest.approx((1 - 0.5221) / 0.2236, rel=1e-5)


@pytest.mark.parametrize("name", ["class_object", "class_scene"])
def test_distributions_keep_their_classes_and_sum_to_one(home, name):
    _, targets, _ = drawn(name, home)
    for view, target in enumerate(targets, start=1):
        assert target.nonzero().flatten().tolist() == [view, len(target) - 1]
        assert target[[view, -1]].tolist() == [0.75, 0.25]  # 0.375 and 0.125 of a sum of 0.5


def test_targets_of_the_other_tasks_are_read(home):
    _, layouts, _ = drawn("room_layout", home)
    assert layouts[2].tolist() == [place + 3 for place in range(9)]
    _, parts, _ = drawn("segmentsemantic", home)
    # 0 (uncertain) and 1 (background) become 0, 10 + v becomes 9 + v.
    assert parts[3].unique().tolist() == [0, 13]
    assert (parts[3] == 13).sum() == 128 * 128
    _, normals, _ = drawn("normal", home)
    assert normals[:, 0, 7, 9].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    images, same, _ = drawn("autoencoder", home)
    torch.testing.assert_close(images, same)
    assert images[0, :, 0, 0].tolist() == pytest.approx([2 * 0.2 - 1, -1, 1])


def test_a_view_without_a_target_is_left_out(home):
    next((home / "real" / "taskonomy").glob("*/normal/point_2_*")).unlink()
    assert len(NORMAL.read(InputKind.real, home).labels) == N_VIEWS - 1
    assert len(AUTOENCODER.read(InputKind.real, home).labels) == N_VIEWS


def test_a_puzzle_holds_the_centre_of_each_cell_in_the_order_of_its_label(tmp_path):
    # A picture whose red counts rows and whose green counts columns, at the size of the grid.
    rows, columns = np.mgrid[0:255, 0:255].astype(np.uint8)
    picture = np.stack([rows, columns, np.zeros_like(rows)], axis=-1)
    (tmp_path / "substitute").mkdir()
    np.savez(tmp_path / "substitute" / "taskonomy.npz", images=np.stack([picture] * 3))
    read = JIGSAW.read(InputKind.substitute, tmp_path)
    inputs, labels = read.images[np.arange(3)], read.labels[np.arange(3)]
    assert inputs.shape == (3, 64, 64, 27)
    for pixels, label in zip(inputs, labels, strict=True):
        for tile, cell in enumerate(orders()[label]):
            top, left = 85 * (cell // 3) + 10, 85 * (cell % 3) + 10  # (85 - 64) // 2 = 10 pixels are left on each side
            assert pixels[0, 0, 3 * tile : 3 * tile + 2].tolist() == [top, left]
            assert pixels[63, 63, 3 * tile : 3 * tile + 2].tolist() == [top + 63, left + 63]
    assert len(set(labels.tolist())) > 1


def test_every_tile_of_a_puzzle_is_normalised_alike():
    assert JIGSAW.mean == ROOM_LAYOUT.mean * 9
    assert JIGSAW.std == ROOM_LAYOUT.std * 9


def test_there_are_a_thousand_orders_of_nine_tiles():
    assert len(set(orders())) == JIGSAW.n_classes == 1_000
    assert all(sorted(order) == list(range(9)) for order in orders())


@pytest.mark.parametrize("name", TASKS)
def test_photographs_can_stand_in(name, images_home, tmp_path):
    with np.load(images_home / "other" / "imagenet_sample_224_64.npz", allow_pickle=False) as file:
        photographs = file["images"][:N_VIEWS]
    (tmp_path / "substitute").mkdir()
    np.savez(tmp_path / "substitute" / "taskonomy.npz", images=photographs)
    data_set = DATA_SETS.get(name)
    (batch,) = batches = draw_batches(data_set, BatchRequest(InputKind.substitute, 1, N_VIEWS), tmp_path)
    shape, dtype = TARGETS[name]
    assert batch.images.shape == (N_VIEWS, *data_set.shape)
    assert (batch.targets.shape, batch.targets.dtype) == ((N_VIEWS, *shape), dtype)
    assert batches.source.endswith("random targets)") == (name not in ("jigsaw", "autoencoder"))
    assert InputKind.substitute in data_set.present(tmp_path)
    (again,) = draw_batches(data_set, BatchRequest(InputKind.substitute, 1, 2), tmp_path)
    assert torch.equal(again.targets, batch.targets[:2])


def test_a_missing_folder_ends_in_the_layout_that_is_expected(tmp_path):
    layout = r"real/taskonomy/<building>/normal/point_<p>_view_<v>_domain_normal\.png"
    with pytest.raises(MissingDataError, match=f"No images with targets of normal are in .*{layout}.* inputs=noise"):
        draw_batches(NORMAL, REQUEST, tmp_path)
    with pytest.raises(MissingDataError, match=r"No substitute images are at .*substitute/taskonomy\.npz"):
        draw_batches(NORMAL, BatchRequest(InputKind.substitute), tmp_path)
    with pytest.raises(OptionError, match="Noise has no images"):
        NORMAL.read(InputKind.noise, tmp_path)


@pytest.mark.parametrize(
    ("name", "ending", "content", "complaint"),
    [
        ("rgb", "png", b"no image", "is not a valid PNG file"),
        ("room_layout", "npy", b"", "is not a valid npy file"),
        ("room_layout", "npy", np.zeros(6), r"contains float64 \(6,\); expected numbers \(9,\)"),
        ("class_object", "npy", np.zeros(1_000), "gives none of the 75 classes any probability"),
        ("segmentsemantic", "png", np.full((4, 4), 18, np.uint8), "is not an image of one channel"),
        ("normal", "png", np.zeros((4, 4), np.uint8), "is not an image of three channels"),
    ],
)
def test_a_damaged_file_is_named(home, name, ending, content, complaint):
    path = next((home / "real" / "taskonomy").glob(f"*/{name}/point_3_*.{ending}"))
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif ending == "npy":
        np.save(path, content)
    else:
        Image.fromarray(content).save(path)
    data_set = ROOM_LAYOUT if name == "rgb" else DATA_SETS.get(name)
    with pytest.raises(CorruptDataError, match=f"point_3_view_0_domain_{name}.{ending} {complaint}"):
        draw_batches(data_set, REQUEST, home)


@pytest.mark.parametrize(
    "images", [np.zeros((2, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_substitutes_of_another_format_are_refused(tmp_path, images):
    (tmp_path / "substitute").mkdir()
    path = tmp_path / "substitute" / "taskonomy.npz"
    np.savez(path, images=images)
    with pytest.raises(CorruptDataError, match=r"expected uint8 \[n, height, width, 3\]"):
        CLASS_OBJECT.read(InputKind.substitute, tmp_path)
    path.write_bytes(b"no zip")
    with pytest.raises(CorruptDataError, match="is not a valid npz file"):
        CLASS_OBJECT.read(InputKind.substitute, tmp_path)
