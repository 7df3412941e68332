"""Which file system a path is on, and whether it is reached over a network, where SQLite's locks may fail."""

import re
from pathlib import Path
from typing import NamedTuple

_MOUNTS = Path("/proc/mounts")
_NETWORK = frozenset(
    [
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "9p",
        "lustre",
        "beegfs",
        "fhgfs",
        "gpfs",
        "ceph",
        "panfs",
        "pvfs2",
        "orangefs",
        "glusterfs",
        "ocfs2",
        "gfs2",
        "davfs",
        "quobyte",
        "wekafs",
    ]
)
_NETWORK_FUSE = frozenset(
    [
        "sshfs",
        "glusterfs",
        "ceph",
        "cephfs",
        "ceph-fuse",
        "s3fs",
        "gcsfuse",
        "rclone",
        "davfs2",
        "beegfs",
        "moosefs",
        "mfs",
        "juicefs",
        "dfuse",
        "quobyte",
    ]
)
_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system: its type as the system names it, and where it is mounted."""

    kind: str
    folder: Path

    @property
    def is_network(self) -> bool:
        """Whether it is shared by machines."""
        fuse = self.kind.removeprefix("fuse.")
        return self.kind in _NETWORK or (fuse != self.kind and fuse in _NETWORK_FUSE)


def mount_of(path: Path, mounts: Path = _MOUNTS) -> Mount | None:
    """The file system that holds a path, which need not exist; None where the system does not say."""
    try:
        text = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    real, found = path.resolve(), None
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3:
            folder = Path(_OCTAL.sub(lambda octal: chr(int(octal[1], 8)), words[1]))
            # Of two mounts on one folder the later one hides the other.
            if real.is_relative_to(folder) and (found is None or len(folder.parts) >= len(found.folder.parts)):
                found = Mount(words[2], folder)
    return found
