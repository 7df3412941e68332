"""The command in an empty folder."""

import pytest

from harness.__main__ import main


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)
