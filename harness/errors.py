"""Errors that a user reads: one sentence saying what was requested, what was found, what would work."""


class HarnessError(Exception):
    """Root of all errors that end in one sentence and an exit code, never in a traceback."""

    exit_code = 2


class UnfinishedError(HarnessError):
    """Work that a budget ended before there was anything to report; the same command goes on."""

    exit_code = 3


class UnknownNameError(HarnessError, LookupError):
    """A name that no registry, file or table knows."""


class OptionError(HarnessError, ValueError):
    """A setting with an invalid value."""


class MissingDataError(HarnessError, FileNotFoundError):
    """Truth or images that are not on this machine."""


class CorruptDataError(HarnessError, ValueError):
    """A file that is not what it should be: wrong checksum, truncated, or of another format."""


class StoreError(HarnessError, RuntimeError):
    """A score store that cannot be used: another version, corrupt, locked, or a full disk."""


class PlugInError(HarnessError, RuntimeError):
    """Code from outside the project that raises, or gives something other than it must."""
