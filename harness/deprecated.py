"""Names of plug-in attributes as they were called before, understood for one release."""

import warnings
from collections.abc import Mapping


def take_old_names(plug_in: type, renamed: Mapping[str, str]) -> None:
    """Give a plug-in's class attributes their present names; meant for `__init_subclass__`.

    Args:
        plug_in: a class that may still define attributes under their old names.
        renamed: the present name of each old one.
    """
    for old, new in renamed.items():
        if old in vars(plug_in):
            warnings.warn(
                f"{plug_in.__module__}.{plug_in.__qualname__}.{old} is now called {new}; rename it, as the old name "
                "will be removed in the next release.",
                DeprecationWarning,
                stacklevel=3,
            )
            setattr(plug_in, new, vars(plug_in)[old])
