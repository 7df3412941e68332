"""The settings of a command as its YAML in conf/ states them: key, default and comment, without Hydra."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from harness.paths import conf_folder

_LINE = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?: +(?P<value>.*?))??(?:\s+# ?(?P<comment>.*))?$")
_GROUP = re.compile(r"^  - (?:(?P<group>\w+): (?P<choice>\w+)|(?P<base>(?!_self_)\w+))$")
_BLOCKS_OF_HYDRA = ("defaults", "hydra")


@dataclass(frozen=True)
class StatedSetting:
    """A line of a settings file; a group of settings has no default."""

    key: str
    default: str
    comment: str


@dataclass(frozen=True)
class SettingsFile:
    """What a settings file states.

    Attributes:
        settings: its own and those of the file that it extends.
        groups: groups that are files of a folder, as `protocol`, with the default file.
    """

    settings: tuple[StatedSetting, ...]
    groups: dict[str, str]

    @property
    def keys(self) -> list[str]:
        """All dotted keys, groups included, in the file's order."""
        found = dict.fromkeys(self.groups)
        for setting in self.settings:
            found |= dict.fromkeys([setting.key.rpartition(".")[0] or setting.key, setting.key])
        return list(found)


@cache
def settings_file(name: str) -> SettingsFile:
    """conf/<name>.yaml, the file that it extends, and the default files of its groups."""
    text = (conf_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    own = list(_stated(text, ""))
    groups: dict[str, str] = {}
    for line in text.splitlines():
        found = _GROUP.match(line)
        if found and found["base"]:
            base = settings_file(found["base"])
            restated = {one.key for one in own}
            own += (one for one in base.settings if one.key not in restated)
            groups |= base.groups
        elif found and not found["group"].startswith("override"):
            groups[found["group"]] = found["choice"]
            path = conf_folder() / found["group"] / f"{found['choice']}.yaml"
            own += _stated(path.read_text(encoding="utf-8"), f"{found['group']}.")
    return SettingsFile(tuple(own), groups)


def choices(group: str) -> list[str]:
    """The files of a group's folder."""
    return sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))


def _stated(text: str, prefix: str) -> Iterator[StatedSetting]:
    above: list[str] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        depth = len(found["indent"]) // 2
        above = [*above[:depth], found["key"]]
        if above[0] not in _BLOCKS_OF_HYDRA:
            yield StatedSetting(prefix + ".".join(above), (found["value"] or "").strip(), found["comment"] or "")
