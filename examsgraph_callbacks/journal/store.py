"""A place for whole files: a local folder, or whatever fsspec can reach by a URI."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from examsgraph_callbacks.errors import ExamsGraphError, LakeUnavailableError, MissingExtraError

__all__ = ["Folder", "Remote", "Store", "open_store", "reached"]


class Store(Protocol):
    """Files by their names, which may have folders in them; a file is there as a whole or not at all."""

    def write(self, name: str, content: bytes | memoryview) -> None:
        """Put a file in its place; raises `OSError` where that cannot be."""

    def read(self, name: str) -> bytes:
        """The content of a file; raises `FileNotFoundError` where it is not there."""

    def open(self, name: str) -> BinaryIO:
        """The file to read parts of, for whoever closes it; raises `FileNotFoundError` as well."""

    def names(self, folder: str) -> list[str]:
        """The files right in a folder, in order; none where there is no such folder."""

    def every_name(self) -> list[str]:
        """All files, in whatever folder, those on their way too."""

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""

    def address(self, name: str) -> str:
        """What an engine calls the file: its path, or its URI."""


def open_store(place: str | Path) -> Store:
    """The store at `place`; raises `MissingExtraError` where fsspec, or its part for it, is not installed."""
    scheme, is_uri, rest = str(place).partition("://")
    if is_uri and scheme in {"file", "local"}:
        # as a folder: through fsspec a file would be there before it is whole
        return Folder(Path(rest).absolute())
    if is_uri:
        return Remote(str(place))
    return Folder(Path(place).absolute())


@contextmanager
def reached() -> Iterator[None]:
    """Have whatever an object store's library raises in the block told as `LakeUnavailableError`.

    Each library has errors of its own, and some of them name a place or a key. A file that is not there
    stays a `FileNotFoundError`.
    """
    try:
        yield
    except (ExamsGraphError, FileNotFoundError, MemoryError):
        raise
    except Exception as error:
        raise LakeUnavailableError(error) from error


class Folder:
    """A local folder, which its first file makes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: bytes | memoryview) -> None:
        place = self.path / name
        place.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{os.getpid()}.draft")
        descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o660)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
        self._sync(place.parent)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        return (self.path / name).open("rb")

    def names(self, folder: str) -> list[str]:
        return sorted(
            f"{folder}/{path.name}" for path in (self.path / folder).glob("[!.]*") if path.is_file()
        )

    def every_name(self) -> list[str]:
        return [str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()]

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def address(self, name: str) -> str:
        return str(self.path / name)

    def _sync(self, folder: Path) -> None:
        if os.name != "posix":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Remote:
    """A folder of an object store, in which a file that was put is there at once and whole."""

    def __init__(self, uri: str) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise MissingExtraError("fsspec", "lake") from error
        try:
            self.filesystem, root = fsspec.core.url_to_fs(uri)
        except ImportError as error:
            raise MissingExtraError(
                f"fsspec's part for {uri.split('://', maxsplit=1)[0]}://", "lake"
            ) from error
        self._root = PurePosixPath(root)
        self.scheme = uri.split("://", maxsplit=1)[0]

    @reached()
    def write(self, name: str, content: bytes | memoryview) -> None:
        place = self._root / name
        self.filesystem.makedirs(str(place.parent), exist_ok=True)
        self.filesystem.pipe_file(str(place), bytes(content))

    @reached()
    def read(self, name: str) -> bytes:
        content: bytes = self.filesystem.cat_file(str(self._root / name))
        return content

    @reached()
    def open(self, name: str) -> BinaryIO:
        return cast("BinaryIO", self.filesystem.open(str(self._root / name), "rb"))

    @reached()
    def names(self, folder: str) -> list[str]:
        self.filesystem.invalidate_cache()
        try:
            found = self.filesystem.ls(str(self._root / folder), detail=True)
        except FileNotFoundError:
            return []
        return sorted(
            f"{folder}/{PurePosixPath(each['name']).name}" for each in found if each["type"] == "file"
        )

    @reached()
    def every_name(self) -> list[str]:
        self.filesystem.invalidate_cache()
        found = self.filesystem.find(str(self._root))
        return [str(PurePosixPath(path).relative_to(self._root)) for path in found]

    @reached()
    def remove(self, name: str) -> None:
        if self.filesystem.exists(str(self._root / name)):
            self.filesystem.rm_file(str(self._root / name))

    def address(self, name: str) -> str:
        return f"{self.scheme}://{str(self._root / name).lstrip('/')}"
