"""The pages state commands that exist, with settings that these commands have."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.commands import COMMANDS
from harness.cli.settings_text import settings_file

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [page for folder in ("howto", "explanation") for page in sorted((ROOT / "docs" / folder).glob("*.md"))]
TYPED = re.compile(r"^(?:python -m harness(?:\.(\w+))?|nas-harness(?: (\w+))?)(?= |$)(.*)")


def shown(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The commands in a page's blocks, each as its name and its words."""
    for line in page.read_text(encoding="utf-8").splitlines():
        found = TYPED.match(line.removeprefix("    "))
        if found:
            name = found[1] or found[2] or "run"
            yield name, shlex.split(found[3].partition(" | ")[0], comments=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_commands_and_settings_that_exist(page):
    for name, words in shown(page):
        assert name in COMMANDS, f"{page.name} shows the command {name}"
        command = COMMANDS[name]
        if command.config is None:
            continue
        stated = settings_file(command.config)
        known = {setting.key for setting in stated.settings} | set(stated.groups)
        for key in (word.lstrip("+").partition("=")[0] for word in words if "=" in word):
            allowed = key in known or key.partition(".")[0] in {*command.adds, "preset"}
            assert allowed, f"{page.name} shows {key}= for {name}"


def test_the_tutorial_shows_both_forms_of_a_command():
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert "`nas-harness data status`" in text
    assert "`python -m harness.data status`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_block_is_indented(page):
    fenced = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"^(python -m|nas-harness) ", fenced, flags=re.MULTILINE)


def test_the_security_page_names_every_file_of_attacks():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\| `(test_\w+\.py)` \|", text))
    assert named == {path.name for path in (ROOT / "tests" / "attacks").glob("test_*.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_to_pages_lead_to_pages(page):
    """Of the documentation to its own pages, since it is built without the rest; those of the reference are made."""
    docs = ROOT / "docs"
    for link in re.findall(r"\]\(([^():#]+\.md)(?:#[^()]*)?\)", page.read_text(encoding="utf-8")):
        target = (page.parent / link).resolve()
        if docs in page.parents:
            assert target.is_relative_to(docs), f"{page.name} links to {link}, which is not in docs"
        assert target.is_file() or target.parent == docs / "reference", f"{page.name} links to {link}"
