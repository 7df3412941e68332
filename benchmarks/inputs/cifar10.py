"""CIFAR-10: 50,000 training images of 32x32 in 10 classes. Krizhevsky, Learning multiple layers of features, 2009.

Mean and standard deviation are those of NAS-Bench-201 (arXiv:2001.00326).
"""

from benchmarks.inputs.image_files import ImageFiles
from benchmarks.inputs.python_batches import PythonBatches
from harness.files.downloads import RemoteFile
from harness.inputs import DATA_SETS
from harness.inputs.archives import ImageArchive

_FOLDER = "cifar-10-batches-py"
_FILES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}

CIFAR10 = ImageFiles(
    name="cifar10",
    n_classes=10,
    shape=(3, 32, 32),
    mean=(125.3 / 255, 123.0 / 255, 113.9 / 255),
    std=(63.0 / 255, 62.1 / 255, 66.7 / 255),
    licence="none published",
    how_to_get="Run `python -m harness.data fetch cifar10`",
    archive=ImageArchive(
        RemoteFile(
            key="kriz/cifar-10-python.tar.gz",
            url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            n_bytes=170_498_071,
            md5="c58f30108f718f92721af3b95e74349a",
        ),
        folder=_FOLDER,
        files=_FILES,
    ),
    official=PythonBatches(
        folder=_FOLDER,
        files=_FILES,
        n_per_file=10_000,
        label_key="labels",
        n_labels=10,
    ),
)

DATA_SETS.register(CIFAR10.name)(CIFAR10)
