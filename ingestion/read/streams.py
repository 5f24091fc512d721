"""Text files as bytes, unpacked and limited in size."""

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

# Exports compress to a tenth or a thirtieth; a file that expands more is broken or malicious.
LARGEST_EXPANSION = 200
# Small files may expand freely: a few identical rows compress well.
ANY_EXPANSION_BYTES = 64 * 1024 * 1024
BEGINNING_BYTES = 1024
# How much is kept of a text that is too long.
SHOWN_CHARACTERS = 1000
READ_ERRORS = (OSError, EOFError, zlib.error)
# First bytes that contradict the extension.
UTF_16, UTF_32 = "is UTF-16 text: save it as UTF-8", "is UTF-32 text: save it as UTF-8"
BEGINNINGS = {
    b"\xff\xfe\x00\x00": UTF_32,
    b"\x00\x00\xfe\xff": UTF_32,
    b"\xff\xfe": UTF_16,
    b"\xfe\xff": UTF_16,
    b"PK\x03\x04": "is a ZIP file or an Excel workbook: export it as text",
    b"\x1f\x8b": "is compressed with gzip: add .gz to its name, or unpack it (once)",
    b"PAR1": "is a Parquet file: give it the extension .parquet",
}


@contextmanager
def open_text(file: SourceFile, folder: Path) -> "Iterator[io.BufferedReader[Any]]":
    """Open a text file as bytes, without byte order mark. Raises `SourceError` if it is not text or too large."""
    try:
        with (folder / file.path).open("rb") as packed:
            plain = gzip.GzipFile(fileobj=packed) if file.suffix.endswith(".gz") else packed
            bounded = io.BufferedReader(_Bounded(plain, file, packed), io.DEFAULT_BUFFER_SIZE * 16)
            _refuse_non_text(bounded.peek(BEGINNING_BYTES)[:BEGINNING_BYTES], file)
            if bounded.peek(3)[:3] == b"\xef\xbb\xbf":
                bounded.read(3)
            yield bounded
    except READ_ERRORS as error:
        raise unreadable(file, error) from error


def unreadable(file: SourceFile, error: Exception) -> SourceError:
    """The error for a truncated or corrupt file."""
    return SourceError(
        f"{file.path} cannot be read: {error}. Write the file again (it may be truncated, or not match its extension "
        f"{file.suffix})"
    )


def not_utf8(byte: int, where: str = "") -> str:
    """The sentence about a byte that is not UTF-8; `where` gives its position."""
    shown = bytes([byte]).decode("latin-1")
    return f"the byte {byte:02X} (in Latin-1 {shown!r}){where} is not UTF-8: save the file as UTF-8"


def _refuse_non_text(beginning: bytes, file: SourceFile) -> None:
    found = next((reason for mark, reason in BEGINNINGS.items() if beginning.startswith(mark)), None)
    # UTF-16 without a byte order mark: every other byte of ASCII text is 0.
    if found is None and len(beginning) > 3 and 0 in (beginning[0], beginning[1]) and beginning[:4].count(0) == 2:
        found = UTF_16
    if found:
        raise SourceError(f"{file.path} {found}")


class _Bounded(io.RawIOBase):
    """A stream that raises `SourceError` when a compressed file expands too much."""

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
                "inspect it, and bring it unpacked if it is right"
            )
        return len(block)
