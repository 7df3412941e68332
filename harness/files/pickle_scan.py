"""What a pickle would do, read from its opcodes before any of them is carried out.

The interpreter's unpickler is as deep and as large as its input says: the index of a memo entry is the length of a
table that it makes, and a tuple that is nested some hundred thousand times ends the process when it is hashed.
"""

import pickletools
from collections.abc import Iterator

MOST_NESTED = 100
"""Tuples within tuples, and containers within containers, deeper than this are no data of ours."""

_FEW_TUPLES = 1_000  # fewer cannot be nested so deep that hashing them ends the process
_OPCODES = {ord(each.code): each for each in pickletools.opcodes}
_TWO_LINES = frozenset(b"ci")  # GLOBAL and INST name a module and a name
_TEXT_PUT, _PUT, _LONG_PUT, _MEMOIZE = ord("p"), ord("q"), ord("r"), 0x94
_TEXT_GET, _GET, _LONG_GET, _DUP = ord("g"), ord("h"), ord("j"), ord("2")
_TUPLES = frozenset(b"t\x85\x86\x87")
_STOP = ord(".")
_LENGTHS = {  # bytes of the length that stands before an argument
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_FIXED = [-1] * 256  # bytes of an opcode's argument, -1 where it must be looked at
for _code, _opcode in _OPCODES.items():
    _FIXED[_code] = 0 if _opcode.arg is None else _opcode.arg.n if _opcode.arg.n >= 0 else -1


def check_opcodes(content: bytes) -> None:
    """Refuse a pickle whose memo is larger than the pickle, or whose tuples are nested deeper than `MOST_NESTED`.

    Raises:
        ValueError: saying which.
    """
    n_tuples = 0
    for code, start, stop in _opcodes(content):
        if code in _TUPLES:
            n_tuples += 1
        elif code in (_LONG_PUT, _TEXT_PUT) and not 0 <= _index(code, content, start, stop) < len(content):
            raise ValueError("a memo larger than the pickle")
    if n_tuples > _FEW_TUPLES:
        _check_tuples(content)


def _opcodes(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Each opcode, with the place of its argument; nothing is decoded.

    Raises:
        ValueError: at a byte that is no opcode, an argument that is cut short, or an end without STOP.
    """
    at, n_bytes = 0, len(content)
    while at < n_bytes:
        code = content[at]
        start = at + 1
        fixed = _FIXED[code]
        at = start + fixed if fixed >= 0 else _stop(code, content, start)
        if at > n_bytes:
            break
        yield code, start, at
        if code == _STOP:
            return
    raise ValueError("it is cut short")


def _stop(code: int, content: bytes, start: int) -> int:
    """Where an argument of variable length ends."""
    opcode = _OPCODES.get(code)
    if opcode is None or opcode.arg is None:
        raise ValueError("a byte that is not an opcode")
    if opcode.arg.n == pickletools.UP_TO_NEWLINE:
        for _ in range(2 if code in _TWO_LINES else 1):
            start = content.find(b"\n", start) + 1
            if not start:
                raise ValueError("it is cut short")
        return start
    n_length = _LENGTHS[opcode.arg.n]
    return start + n_length + int.from_bytes(content[start : start + n_length], "little")


def _index(code: int, content: bytes, start: int, stop: int) -> int:
    """The memo entry that an opcode puts or gets."""
    if code in (_TEXT_PUT, _TEXT_GET):
        return int(content[start:stop])
    return int.from_bytes(content[start:stop], "little")


def _check_tuples(content: bytes) -> None:
    """Follow the stack with depths of tuples in the place of objects; a list's elements are not reached from it.

    Raises:
        ValueError: if a tuple is nested deeper than `MOST_NESTED`, or the stack is empty where it must not be.
    """
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[int, int] = {}
    try:
        for code, start, stop in _opcodes(content):
            opcode = _OPCODES[code]
            if code in (_PUT, _LONG_PUT, _TEXT_PUT):
                memo[_index(code, content, start, stop)] = stack[-1]
                continue
            if code == _MEMOIZE:
                memo[len(memo)] = stack[-1]
                continue
            if code in (_GET, _LONG_GET, _TEXT_GET):
                stack.append(memo[_index(code, content, start, stop)])
                continue
            if code == _DUP:
                stack.append(stack[-1])
                continue
            if opcode.name == "MARK":
                marks.append(len(stack))
                continue
            before = opcode.stack_before
            if opcode.name == "POP" and marks and marks[-1] == len(stack):
                marks.pop()
                continue
            if pickletools.markobject in before:
                first = marks.pop()
                n_popped = len(stack) - first + before.index(pickletools.markobject)
            else:
                n_popped = len(before)
            if n_popped > len(stack):
                raise IndexError
            popped = stack[len(stack) - n_popped :]
            del stack[len(stack) - n_popped :]
            depth = 1 + max(popped, default=0) if code in _TUPLES else 0
            if depth > MOST_NESTED:
                raise ValueError(f"tuples nested deeper than {MOST_NESTED}")
            stack.extend([depth] * len(opcode.stack_after))
    except (IndexError, KeyError) as error:
        raise ValueError("opcodes that take what is not there") from error
