"""The metrics of TransNAS-Bench-101 on each task: names and units of its columns. arXiv:2105.11871, Section 3.1."""

from dataclasses import dataclass

from harness.truth.table import TruthColumn

SPLITS = {"train": "train", "valid": "validation", "test": "test"}
"""Prefix of an official metric, and the split that it is of."""
TIME = "time_elapsed"
BEST = "maximum over the training epochs"
_PEEKING = f"{BEST}, so the epoch is chosen on the test images"
_SEEDS = "one run (seed 666 in the official code)"


@dataclass(frozen=True)
class Metric:
    """A number that was measured after every epoch; `name` follows the split's prefix, as in `valid_top1`."""

    name: str
    unit: str
    higher_is_better: bool = True


_TOP = (Metric("top1", "%"), Metric("top5", "%"), Metric("loss", "nats", higher_is_better=False))
_SSIM = (Metric("ssim", ""), Metric("l1_loss", "", higher_is_better=False))
METRICS: dict[str, tuple[Metric, ...]] = {
    "class_scene": _TOP,
    "class_object": _TOP,
    "jigsaw": _TOP,
    "room_layout": (Metric("neg_loss", ""), Metric("loss", "", higher_is_better=False)),
    "segmentsemantic": (Metric("mIoU", "%"), Metric("acc", "%"), Metric("loss", "nats", higher_is_better=False)),
    "normal": _SSIM,
    "autoencoder": _SSIM,
}
"""By task, the one that its paper reports first."""


@dataclass(frozen=True)
class Source:
    """Where the numbers of a column are from."""

    name: str
    sha256: str

    def column(self, task: str, split: str, metric: Metric, epoch: str) -> TruthColumn:
        """The column `<split>_<metric>_<epoch>` of a task; `epoch` is best, final or selected."""
        notes = {
            "best": _PEEKING if split == "test" else BEST,
            "final": "after the last epoch",
            "selected": f"at the epoch of the highest valid_{METRICS[task][0].name}",
        }
        return TruthColumn(
            name=f"{split}_{metric.name}_{epoch}",
            dataset=task,
            metric=metric.name,
            unit=metric.unit,
            split=SPLITS[split],
            epochs=None,
            seeds=_SEEDS,
            higher_is_better=metric.higher_is_better,
            source=self.name,
            sha256=self.sha256,
            note=notes[epoch],
        )

    def time_column(self, task: str) -> TruthColumn:
        """The column `time_elapsed` of a task."""
        return TruthColumn(
            name=TIME,
            dataset=task,
            metric="training time",
            unit="s",
            split="train",
            epochs=None,
            seeds=_SEEDS,
            higher_is_better=False,
            source=self.name,
            sha256=self.sha256,
            note="training and the evaluation after each epoch, on one V100",
        )
