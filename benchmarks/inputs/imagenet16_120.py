"""ImageNet16-120: ImageNet at 16x16, its first 120 classes. Chrabaszcz et al., arXiv:1707.08819.

Mean and standard deviation are those of NAS-Bench-201 (arXiv:2001.00326).
"""

from benchmarks.inputs.image_files import ImageFiles
from benchmarks.inputs.python_batches import PythonBatches
from harness.inputs import DATA_SETS

IMAGENET16_120 = ImageFiles(
    name="ImageNet16-120",
    n_classes=120,
    shape=(3, 16, 16),
    mean=(122.68 / 255, 116.66 / 255, 104.01 / 255),
    std=(63.22 / 255, 61.26 / 255, 65.09 / 255),
    licence="ImageNet terms: non-commercial research",
    how_to_get=(
        "Log in at https://image-net.org/download-images, download 'Train (16x16)' of the downsampled images "
        "and put train_data_batch_1 to 10 into the folder real/ImageNet16 of the image folder"
    ),
    official=PythonBatches(
        folder="ImageNet16",
        files={
            "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91",
            "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
            "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87",
            "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
            "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d",
            "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
            "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564",
            "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
            "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4",
            "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b",
        },
        n_per_file=128_116,  # a tenth of 1,281,167; the last file holds seven more
        label_key="labels",
        n_labels=1_000,
        first_label=1,
    ),
)

DATA_SETS.register(IMAGENET16_120.name)(IMAGENET16_120)
