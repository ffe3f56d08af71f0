"""A courier bundle on a stick as a `Source`: the second door, with the same rules behind it (names: `wire.bundle`).

A stick fails in the middle, is pulled out, or holds somebody else's file: each a BundleError with a plain sentence, and
nothing half taken, since whoever asks keeps only what was verified whole.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Self

from edge.errors import BundleError
from edge.sync.source import Blob
from wire.areas import contains
from wire.bundle import (
    ALERTS,
    BLOBS,
    INDEX_NAME,
    MAX_BUNDLE_BYTES,
    MAX_ENTRIES,
    MAX_INDEX_BYTES,
    METADATA,
    SUFFIX,
    TARGETS,
    BundleIndex,
    Entry,
    EntryKind,
    parse_entry,
    read_index,
)
from wire.errors import WireError

CHUNK: Final = 256 * 1024
LONGEST_READ: Final = 8 * 1024 * 1024
"""The list of 20,000 entries needs less; more in one go is a file that wants our memory."""
Open = Callable[[Path], BinaryIO]


class BundleSource:
    """An open bundle. Close it, or use it in `with`."""

    def __init__(self, path: Path, *, open_file: Open = lambda path: path.open("rb")) -> None:
        self._name = path.name
        with self._failures():
            self._file = _Bounded(open_file(path))
            try:
                self._zip = zipfile.ZipFile(self._file)
                self._entries = self._list()
                self.index = self._read_index()
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def check_for(self, device: str, area: str | None) -> None:
        """Raise BundleError if the bundle says that it is for somebody else. Its word counts for nothing more."""
        index = self.index
        if index.devices and device not in index.devices:
            raise BundleError(f"{self._name} is for {', '.join(index.devices[:5])}, not for {device}")
        if area is not None and not contains(index.area, area):
            raise BundleError(f"{self._name} is for {index.area}, this device stands in {area}")

    def metadata(self, file: str, *, limit: int) -> bytes | None:
        return self._read(METADATA, file, limit)

    def target(self, path: str, sha256: str, *, limit: int) -> bytes | None:  # noqa: ARG002 - found by path here
        return self._read(TARGETS, path, limit)

    def blob(self, sha256: str, start: int, *, limit: int) -> Blob | None:
        info = self._entries.get(BLOBS.folder + sha256)
        return None if info is None else _BundleBlob(self, info, start, limit)

    def alerts(self) -> Iterator[bytes]:
        """The envelopes that it carries, unverified."""
        for name in self._entries:
            entry = parse_entry(name)
            if entry is not None and entry.kind is ALERTS:
                raw = self._read(ALERTS, entry.name, ALERTS.max_bytes)
                if raw is not None:
                    yield raw

    @contextmanager
    def opened(self, info: zipfile.ZipInfo) -> Iterator[BinaryIO]:
        """An entry's bytes. Raises BundleError."""
        with self._failures(), self._zip.open(info) as member:
            yield member  # type: ignore[misc]  # an IO[bytes]

    def _list(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        if len(self._zip.infolist()) > MAX_ENTRIES:
            raise BundleError(f"{self._name}: more than {MAX_ENTRIES} entries")
        for info in self._zip.infolist():
            entry = parse_entry(info.filename)
            if entry is None and info.filename != INDEX_NAME:
                continue
            self._check_entry(info, entry)
            found[info.filename] = info
        return found

    def _check_entry(self, info: zipfile.ZipInfo, entry: Entry | None) -> None:
        limit = entry.kind.max_bytes if entry else MAX_INDEX_BYTES
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise BundleError(f"{self._name}: {info.filename[:80]} is compressed or encrypted")
        if info.file_size > limit:
            raise BundleError(f"{self._name}: {info.filename[:80]} has {info.file_size} bytes, more than {limit}")

    def _read_index(self) -> BundleIndex:
        info = self._entries.get(INDEX_NAME)
        if info is None:
            raise BundleError(f"{self._name} has no {INDEX_NAME}: not a bundle")
        return read_index(self._zip.read(info))

    def _read(self, kind: EntryKind, name: str, limit: int) -> bytes | None:
        info = self._entries.get(kind.folder + name)
        if info is None:
            return None
        if info.file_size > limit:
            raise BundleError(f"{self._name}: {info.filename[:80]} has {info.file_size} bytes, more than {limit}")
        with self._failures():
            return self._zip.read(info)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Whatever a stick does wrong becomes a BundleError."""
        try:
            yield
        except (OSError, EOFError) as error:
            raise BundleError(f"the stick cannot be read ({self._name}): {error}") from error
        except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError) as error:
            # zipfile takes a read error at the end of the file for a damaged one
            failure = self._file.failure if hasattr(self, "_file") else None
            if failure is not None:
                raise BundleError(f"the stick cannot be read ({self._name}): {failure}") from error
            raise BundleError(f"{self._name} is damaged: {error}") from error
        except WireError as error:
            raise BundleError(f"{self._name}: {error.detail}") from error


class _BundleBlob:
    """A blob of a bundle, from a byte on."""

    def __init__(self, bundle: BundleSource, info: zipfile.ZipInfo, start: int, limit: int) -> None:
        self.start = start
        self._bundle = bundle
        self._info = info
        self._left = limit

    def copy_to(self, file: BinaryIO, taken: Callable[[bytes], None]) -> None:
        for chunk in self._chunks():
            file.write(chunk)
            taken(chunk)

    def _chunks(self) -> Iterator[bytes]:
        """The pieces; what the stick does wrong is kept apart from what our own disk does wrong."""
        with self._bundle.opened(self._info) as member:
            member.seek(self.start)
            while self._left > 0 and (chunk := member.read(min(CHUNK, self._left))):
                self._left -= len(chunk)
                yield chunk


class _Bounded(io.RawIOBase):
    """A file that refuses to be read in huge pieces."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.failure: OSError | None = None
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if self._size > MAX_BUNDLE_BYTES:
            file.close()
            raise ValueError(f"{self._size} bytes, more than {MAX_BUNDLE_BYTES}")

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._file.tell() if size < 0 else size
        if wanted > LONGEST_READ:
            raise ValueError(f"a piece of {wanted} bytes")
        try:
            return self._file.read(size)
        except OSError as error:
            self.failure = error
            raise

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def find_bundles(folder: Path) -> list[Path]:
    """The bundles on a mounted stick: in the folder itself, or in those one below it (one a stick)."""
    try:
        return sorted(path for pattern in (f"*{SUFFIX}", f"*/*{SUFFIX}") for path in folder.glob(pattern))
    except OSError:
        return []
