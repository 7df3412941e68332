"""What is taken for code that a plug-in replaced."""

import sys
from types import ModuleType

from harness.scoring.process_state import _Namespace


def test_a_submodule_that_was_imported_meanwhile_is_no_replaced_code(monkeypatch):
    package, submodule = ModuleType("package"), ModuleType("package.list")
    namespace = _Namespace(package)
    monkeypatch.setitem(sys.modules, "package.list", submodule)
    package.list = submodule
    assert namespace.same()
    package.list = print  # hides Python's own name from the package's functions
    assert not namespace.same()
    assert namespace.restore() == ["package.list"]
    assert not hasattr(package, "list")
