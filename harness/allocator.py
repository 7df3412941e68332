"""How this process keeps the memory that it frees."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # glibc's malloc.h
_PAD_BYTES = 64 << 20
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Let glibc's malloc keep what is freed instead of giving it back to the system.

    Activations are freed and asked for again at every layer; given back each time, each of their pages faults anew at
    its next use. The most memory that a process holds stays about the same. Does nothing where malloc is not glibc's.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for setting, value in ((_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD_BYTES), (_MMAP_MAX, 0)):
            mallopt(setting, value)
