"""What a file may make of the process that reads it: functions that `limited` is asked to call."""

import os

from harness.errors import CorruptDataError


def takes_memory() -> int:
    return len(bytearray(2**33))


def takes_time() -> None:
    while True:
        pass


def dies() -> None:
    deep: tuple[object, ...] = ()
    for _ in range(10**6):
        deep = (deep,)
    hash(deep)


def leaves() -> None:
    os._exit(3)


def raises() -> None:
    raise CorruptDataError("one sentence")


def prints() -> int:
    print("on the answer's way")
    return 5


def errs() -> None:
    raise ZeroDivisionError("nothing to divide")
