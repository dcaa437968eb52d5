"""Checksums of PNG files, which decoders of images leave out."""

import functools
import io
import zlib
from collections.abc import Iterator
from pathlib import Path


def check_png(path: Path) -> None:
    """Check the checksums of all chunks of a PNG and of its compressed pixels, once as long as the file stays the same.

    Raises:
        ValueError: if one is wrong, or the end is missing.
    """
    state = path.stat()
    _check(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=1 << 16)  # a training reads a file in every epoch; what is raised is not kept
def _check(path: Path, size: int, changed: int) -> None:
    inflate, finished = zlib.decompressobj(), False
    for name, body in _chunks(path):
        if name == b"IDAT" and not finished:
            while body and not finished:
                inflate.decompress(body, 1 << 20)  # in pieces: what it unpacks to may be far larger
                body, finished = inflate.unconsumed_tail, inflate.eof
    if not finished:
        raise ValueError("its compressed pixels break off")


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    stream = io.BytesIO(path.read_bytes())
    stream.seek(8)
    name = b""
    while name != b"IEND":
        head = stream.read(8)
        name, size = head[4:], int.from_bytes(head[:4])
        body, crc = stream.read(size), stream.read(4)
        if len(head) < 8 or len(crc) < 4:
            raise ValueError("its end is missing")
        if zlib.crc32(name + body) != int.from_bytes(crc):
            raise ValueError(f"the checksum of {name.decode('ascii', 'replace')} is wrong")
        yield name, body
