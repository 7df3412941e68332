"""Files of a user's own run as they are, whatever byte code of them is kept."""

import os
import sys

import pytest

from harness.plug_in_code import module_of


def test_an_edit_of_equal_length_within_a_second_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "own.py"
    file.write_text("value = 1\n")
    before = file.stat()
    assert module_of("own_before", file).value == 1
    file.write_text("value = 2\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert module_of("own_after", file).value == 2
    assert not (tmp_path / "__pycache__").exists()


def test_a_file_that_raises_leaves_no_module(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        module_of("own_failing", file)
    assert "own_failing" not in sys.modules
