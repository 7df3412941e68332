"""From the word of the setting `dataset` to a data set: a registered one, or a file, folder or loader of the user's."""

from pathlib import Path

from harness.errors import OptionError, UnknownNameError
from harness.inputs.data_set import DATA_SETS, DataSet
from harness.inputs.functions import names_function
from harness.inputs.own_arrays import open_npz_data
from harness.inputs.own_data import DataOptions, OwnData
from harness.inputs.own_folder import open_folder
from harness.inputs.own_loader import open_loader

_NPZ = ".npz"
_USUAL = DataOptions()


def is_own(word: str) -> bool:
    """Whether a word is a path, and so no registered data set."""
    return word.endswith(_NPZ) or names_function(word) or "/" in word


def open_data_set(word: str, options: DataOptions = _USUAL, loss: str | None = None) -> DataSet:
    """The data set that `dataset=WORD` means.

    Args:
        word: a registered name, or `FILE.npz`, `FOLDER/`, `FILE.py:FUNCTION`.
        options: how a user's own data is read; for a registered one nothing may be given.
        loss: the loss of a user's own data, by name or as `FILE.py:FUNCTION`; None: by its targets. Of registered ones
            those whose task leaves it open take one of their own, see `DataSet.with_loss`.

    Raises:
        UnknownNameError: if nothing is called so.
        OptionError: for options or a loss that a registered one does not take.
        HarnessError: for data of a user's own that cannot be used, see `open_npz_data`, `open_folder`, `open_loader`.
    """
    if is_own(word):
        return _opened(word, options, loss)
    try:
        found = DATA_SETS.get(word)
    except UnknownNameError as error:
        if Path(word).is_dir():
            raise UnknownNameError(
                f"No data set is called '{word}'. To take the folder, write dataset={word}/."
            ) from error
        raise
    refuse_options(word, options, None)
    return found if loss is None else found.with_loss(loss)


def refuse_options(word: str, options: DataOptions, loss: str | None) -> None:
    """Nothing, unless an option of a user's own data is given for a registered data set.

    Raises:
        OptionError: if one is.
    """
    given = [name for name, value in vars(options).items() if value is not None]
    if loss is not None or given:
        setting = f"loss={loss}" if loss is not None else f"data.{given[0]}"
        raise OptionError(f"{setting} is for data of your own; dataset={word} has images, classes and loss of its own.")


def own_data(data_set: DataSet) -> OwnData | None:
    """A data set of the user's own, None for others."""
    return data_set if isinstance(data_set, OwnData) else None


def not_by_name(data_set: DataSet) -> DataSet | None:
    """What a worker process cannot find by its name: data of a user's own, or a registered one with another loss."""
    is_registered = data_set.name in DATA_SETS and DATA_SETS.get(data_set.name) == data_set
    return None if is_registered else data_set


def _opened(word: str, options: DataOptions, loss: str | None) -> OwnData:
    path = Path(word).expanduser()
    if word.endswith(_NPZ):
        return open_npz_data(path.resolve(), word, options, loss)
    if names_function(word):
        return open_loader(word, options, loss)
    return open_folder(path.resolve(), word, options, loss)
