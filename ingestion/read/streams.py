"""The bytes of a text file, unpacked and bounded. A file that is no text is refused before it is read."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ingestion.errors import SourceError
from ingestion.read.files import SourceFile

# Exports pack to a tenth or a thirtieth; what unpacks to more than this is a packed file without an end, or a trap.
LARGEST_EXPANSION = 200
# Below this a file may unpack to whatever it likes: a few rows that are all alike are no trap.
ANY_EXPANSION_BYTES = 64 * 1024 * 1024
BEGINNING_BYTES = 1024
# Of a text that is too long to be kept whole.
SHOWN_CHARACTERS = 1000
READ_ERRORS = (OSError, EOFError, zlib.error)
# How a file begins that is not what its name says.
UTF_16, UTF_32 = "is UTF-16 text: save it as UTF-8", "is UTF-32 text: save it as UTF-8"
BEGINNINGS = {
    b"\xff\xfe\x00\x00": UTF_32,
    b"\x00\x00\xfe\xff": UTF_32,
    b"\xff\xfe": UTF_16,
    b"\xfe\xff": UTF_16,
    b"PK\x03\x04": "is a ZIP file or an Excel workbook: export it as text",
    b"\x1f\x8b": "is packed with gzip: add .gz to its name, or unpack it (once)",
    b"PAR1": "is a Parquet file: give it the extension .parquet",
}


@contextmanager
def open_text(file: SourceFile, folder: Path) -> Iterator[IO[bytes]]:
    """The text of a file as bytes, without a byte-order mark. Raises `SourceError` if it is no text or has no end."""
    try:
        with (folder / file.path).open("rb") as packed:
            plain = gzip.GzipFile(fileobj=packed) if file.suffix.endswith(".gz") else packed
            bounded = io.BufferedReader(_Bounded(plain, file, packed), io.DEFAULT_BUFFER_SIZE * 16)
            _refuse_others(bounded.peek(BEGINNING_BYTES)[:BEGINNING_BYTES], file)
            if bounded.peek(3)[:3] == b"\xef\xbb\xbf":
                bounded.read(3)
            yield bounded
    except READ_ERRORS as error:
        raise unreadable(file, error) from error


def unreadable(file: SourceFile, error: Exception) -> SourceError:
    """What to say of a file that ends where it should not, or whose bytes are not what they should be."""
    return SourceError(
        f"{file.path} cannot be read: {error}. Write the file again (it may be cut off, or not be what its extension "
        f"{file.suffix} says)"
    )


def not_utf8(byte: int, where: str = "") -> str:
    """What to say of a byte that is not UTF-8; `where` says where it stands."""
    shown = bytes([byte]).decode("latin-1")
    return f"the byte {byte:02X} (in Latin-1 {shown!r}){where} is not UTF-8: save the file as UTF-8"


def _refuse_others(beginning: bytes, file: SourceFile) -> None:
    found = next((said for mark, said in BEGINNINGS.items() if beginning.startswith(mark)), None)
    # Text of UTF-16 without a mark: every other byte of what is ASCII is 0.
    if found is None and len(beginning) > 3 and 0 in (beginning[0], beginning[1]) and beginning[:4].count(0) == 2:
        found = UTF_16
    if found:
        raise SourceError(f"{file.path} {found}")


class _Bounded(io.RawIOBase):
    """A stream that ends with `SourceError` when a packed file gives far more than was packed."""

    def __init__(self, plain: IO[bytes] | gzip.GzipFile, file: SourceFile, packed: IO[bytes]) -> None:
        self._plain = plain
        self._file = file
        self._is_packed = plain is not packed
        self._limit = max(ANY_EXPANSION_BYTES, LARGEST_EXPANSION * os.fstat(packed.fileno()).st_size)
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._plain.read(len(buffer))
        buffer[: len(block)] = block
        self._given += len(block)
        if self._is_packed and self._given > self._limit:
            raise SourceError(
                f"{self._file.path} unpacks to more than {LARGEST_EXPANSION} times its size, which no export does: "
                "look at what it is, and bring it unpacked if it is right"
            )
        return len(block)
