"""What the image networks of the benchmarks take of a user's own data."""

from harness.inputs import DataSet, OwnData

COLOURS = 3


def unfit_images(data_set: DataSet, *, multiple_of: int, n_channels: int | None = None) -> str:
    """Why networks for square images with one vector of outputs cannot be made, to follow "because"; empty if they can.

    Args:
        data_set: of a user's own.
        multiple_of: what height and width must be multiples of, so that they can be halved as often as networks do.
        n_channels: that the networks need; None: any.
    """
    if data_set.has_indices:
        return "its networks take images, and not tokens or other whole numbers"
    if data_set.parts:
        return f"its networks take one image, and an input consists of {len(data_set.parts)} tensors"
    if len(data_set.shape) != 3:
        shape = " x ".join(map(str, data_set.shape))
        return f"its networks take images [n, channels, height, width], and an input is {shape}"
    channels, height, width = data_set.shape
    if n_channels is not None and channels != n_channels:
        return f"its networks take images of {n_channels} channels, and these have {channels}"
    if height != width:
        return f"its networks take square images, and these are {height} x {width}"
    if height % multiple_of:
        return f"its networks take images whose height is a multiple of {multiple_of}, and these are {height} x {width}"
    outputs_of_each = data_set.targets if isinstance(data_set, OwnData) else ()
    if outputs_of_each and outputs_of_each != (data_set.n_classes,):
        shape = " x ".join(map(str, outputs_of_each))
        return f"its networks give one vector for each image, and a target is {shape}"
    return ""
