"""Whether a file lies on a network file system, where several hosts may open it and share no memory."""

from __future__ import annotations

from pathlib import Path

_NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.juicefs", "fuse.s3fs", "fuse.sshfs",
    "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "gfs2", "smb3", "smbfs", "virtiofs",
}  # fmt: skip
_MOUNTS = Path("/proc/self/mountinfo")


def network_file_system(path: Path) -> str | None:
    """Name the kind of network file system that ``path`` is on; ``None`` for a local one, and where nobody can tell."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None  # not Linux
    kind = file_system(path.resolve(), mounts)
    return kind if kind in _NETWORK else None


def file_system(path: Path, mounts: str) -> str | None:
    """Name the kind of file system that ``path`` (absolute) is on, by what ``/proc/self/mountinfo`` says."""
    nearest, kind = -1, None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, described = before.split(), after.split()
        if len(fields) < 5 or not described:
            continue
        # The kernel writes a space in a path as \040.
        mounted = Path(fields[4].replace("\\040", " "))
        # The later of two mounts in one place hides the earlier.
        if path.is_relative_to(mounted) and len(mounted.parts) >= nearest:
            nearest, kind = len(mounted.parts), described[0]
    return kind
