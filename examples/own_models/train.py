"""Trains networks of models.py on scikit-learn's digits, and writes images.npz and accuracies.csv.

    python train.py 30        # thirty networks, drawn at random; all 48 without a number

A network that accuracies.csv has already is not trained again.
"""

import csv
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from models import OwnModels
from sklearn.datasets import load_digits
from torch import Tensor

EPOCHS, BATCH, LEARNING_RATE, N_TRAINING = 12, 64, 5e-3, 897
IMAGES, ACCURACIES = Path("images.npz"), Path("accuracies.csv")
DECLARED = f"# accuracy: metric=accuracy, unit=%, split=test, epochs={EPOCHS}, seeds=one"


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [1797, 8, 8, 1] and their classes, in a random order; the first 897 are for training."""
    images, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(classes))
    return np.rint(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)[order], classes.astype(np.int64)[order]


def accuracy(arch: str, images: Tensor, classes: Tensor) -> float:
    """Percent of the test images that a trained network classifies rightly."""
    torch.manual_seed(zlib.crc32(arch.encode()))
    network = OwnModels().build(arch, SimpleNamespace(shape=(1, 8, 8), n_classes=10))
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    n_steps = EPOCHS * -(-N_TRAINING // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=n_steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(N_TRAINING).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(network(images[rows]), classes[rows]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        right = network.eval()(images[N_TRAINING:]).argmax(dim=1) == classes[N_TRAINING:]
    return 100 * float(right.float().mean())


def main(n_networks: int) -> None:
    """Train what is missing of `n_networks` networks."""
    pixels, classes = digits()
    np.savez(IMAGES, images=pixels[:N_TRAINING], labels=classes[:N_TRAINING])
    if not ACCURACIES.exists():
        ACCURACIES.write_text(f"{DECLARED}\narch,accuracy\n")
    known = {row[0] for row in csv.reader(ACCURACIES.read_text().splitlines())}
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255)
    images = (images - images[:N_TRAINING].mean()) / images[:N_TRAINING].std()
    names = np.random.default_rng(0).permutation(OwnModels.architectures)[:n_networks]
    for arch in names:
        if arch not in known:
            with ACCURACIES.open("a") as file:
                file.write(f"{arch},{accuracy(str(arch), images, torch.from_numpy(classes)):.4f}\n")
    print(f"{len(names)} networks: {ACCURACIES}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else len(OwnModels.architectures))
