"""CIFAR-100: 50,000 training images of 32x32 in 100 (fine) classes. Krizhevsky, 2009.

Mean and standard deviation are those of NAS-Bench-201 (arXiv:2001.00326).
"""

from benchmarks.inputs.image_files import ImageFiles
from benchmarks.inputs.python_batches import PythonBatches
from harness.files.downloads import RemoteFile
from harness.inputs import DATA_SETS
from harness.inputs.archives import ImageArchive

_FOLDER = "cifar-100-python"
_FILES = {"train": "16019d7e3df5f24257cddd939b257f8d"}

CIFAR100 = ImageFiles(
    name="cifar100",
    n_classes=100,
    shape=(3, 32, 32),
    mean=(129.3 / 255, 124.1 / 255, 112.4 / 255),
    std=(68.2 / 255, 65.4 / 255, 70.4 / 255),
    licence="none published",
    how_to_get="Run `python -m harness.data fetch cifar100`",
    archive=ImageArchive(
        RemoteFile(
            key="kriz/cifar-100-python.tar.gz",
            url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            n_bytes=169_001_437,
            md5="eb9058c3a382ffc7106e4002c42a8d85",
        ),
        folder=_FOLDER,
        files=_FILES,
    ),
    official=PythonBatches(
        folder=_FOLDER,
        files=_FILES,
        n_per_file=50_000,
        label_key="fine_labels",
        n_labels=100,
    ),
)

DATA_SETS.register(CIFAR100.name)(CIFAR100)
