"""How is something below a folder reached, so that nothing leads out of it?

Covers: opening folders one from the other, each by its name in the one before. Never through a
symlink, never onto another mount, and never from a folder that somebody else could rearrange into
one that is not his: whoever fills a folder could otherwise have files removed elsewhere. What was
opened stays what it is, whatever is put in its place meanwhile.
Leaves out: what is done there. Every refusal is an OSError that says why.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

#: Enough for a name to be resolved; reading needs no more than passing through until the last one.
_PASS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: As many symlinks as the kernel follows (path_resolution(7)).
_MOST_LINKS = 40
_FDINFO_BYTES = 4096


def _refuse(code: int, why: str, name: str) -> OSError:
    return OSError(code, why, name)


def _mount(handle: int) -> int | None:
    """Return the number of the mount a file lies on; a bind mount has the device of another."""
    try:
        info = os.open(f"/proc/self/fdinfo/{handle}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        _, found, rest = os.read(info, _FDINFO_BYTES).partition(b"mnt_id:")
        return int(rest.split(maxsplit=1)[0]) if found else None
    finally:
        os.close(info)


def _check_owner(above: int, owner: int, name: str) -> None:
    """Refuse to pass from what somebody may rearrange into what is not his.

    Raises:
        PermissionError: The folder above is neither root's nor ours, nor of who owns what is in it.
    """
    if above not in (0, os.geteuid(), owner):
        why = f"belongs to user {owner}, in a folder of user {above}"
        raise PermissionError(errno.EACCES, why, name)


class Folder:
    """An open folder. Whoever opened it closes it, or uses it in a `with` statement."""

    __slots__ = ("_mount", "device", "fd", "inode", "owner")

    def __init__(self, fd: int) -> None:
        found = os.fstat(fd)
        self.fd = fd
        self.device, self.inode, self.owner = found.st_dev, found.st_ino, found.st_uid
        self._mount = _mount(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.fd)

    def check_writable(self) -> None:
        """Return where entries may be removed.

        Raises:
            PermissionError: They may not, or the file system is read-only.
        """
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=self.fd, effective_ids=True):
            raise PermissionError(errno.EACCES, "nothing may be removed from it")

    def _check(self, below: Folder, name: str) -> None:
        if below.device != self.device or below._mount != self._mount:
            raise _refuse(errno.EXDEV, "another file system is mounted there", name)
        _check_owner(self.owner, below.owner, name)

    def descend(self, name: str) -> Folder:
        """Return the folder of that name in this one.

        Raises:
            OSError: There is none, or it leads out.
        """
        fd = os.open(name, _READ, dir_fd=self.fd)
        try:
            below = Folder(fd)
            self._check(below, name)
        except BaseException:
            os.close(fd)
            raise
        return below

    def reach(self, names: list[str]) -> Folder:
        """Return the folder at the end of names, one below the other; this one's twin for none.

        Raises:
            OSError: There is none, or one of them leads out.
        """
        folder = Folder(os.open(".", _READ, dir_fd=self.fd))
        for name in names:
            with folder:
                folder = folder.descend(name)
        return folder


class _Way:
    """The folders on the way to a path, and what of the path is still to go."""

    def __init__(self, path: str) -> None:
        self.folders = [os.open("/", _PASS | os.O_DIRECTORY)]
        self._links = 0
        self._names: list[str] = []
        self._ahead(path)

    def _ahead(self, path: str) -> None:
        if path.startswith("/"):
            self._back(len(self.folders) - 1)
        self._names.extend(reversed([name for name in path.split("/") if name not in ("", ".")]))

    def _back(self, steps: int) -> None:
        for _ in range(min(steps, len(self.folders) - 1)):
            os.close(self.folders.pop())

    def close(self) -> None:
        for fd in self.folders:
            os.close(fd)

    def go(self) -> int:
        """Go to the end and return it."""
        while self._names:
            name = self._names.pop()
            if name == "..":
                self._back(1)
            else:
                self._step(name)
        return self.folders[-1]

    def _step(self, name: str) -> None:
        fd = os.open(name, _PASS, dir_fd=self.folders[-1])
        found = os.fstat(fd)
        if stat.S_ISDIR(found.st_mode):
            self.folders.append(fd)
            _check_owner(os.fstat(self.folders[-2]).st_uid, found.st_uid, name)
            return
        try:
            if not stat.S_ISLNK(found.st_mode):
                raise _refuse(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
            self._follow(fd, found.st_uid, name)
        finally:
            os.close(fd)

    def _follow(self, link: int, owner: int, name: str) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise _refuse(errno.ELOOP, os.strerror(errno.ELOOP), name)
        if owner not in (0, os.geteuid()):
            why = f"is a symlink of user {owner}, who could point it anywhere"
            raise PermissionError(errno.EACCES, why, name)
        self._ahead(os.readlink("", dir_fd=link))


def open_folder(path: str) -> Folder:
    """Return the folder at an absolute path that somebody has declared.

    On the way to it symlinks are followed, but only root's and our own.

    Raises:
        OSError: There is none, or the way to it is not safe.
    """
    way = _Way(path)
    try:
        return Folder(os.open(".", _READ, dir_fd=way.go()))
    finally:
        way.close()
