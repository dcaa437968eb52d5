"""The ends of files of kinds that state neither a duration nor a number of frames: decoders show half a picture."""

from pathlib import Path
from typing import BinaryIO

# Blocks of a GIF: an extension, a picture, the end.
_EXTENSION, _PICTURE, _END = b"!", b",", b";"
# Bytes of a packet of a transport stream and how many of them come before its first, always the same byte: as
# broadcast, as discs and cameras have it, and with a checksum.
_PACKETS, _SYNC = ((188, 0), (192, 4), (204, 0)), 0x47


def check_gif(path: Path) -> None:
    """Go through the blocks of a GIF, in which nothing is decoded.

    Raises:
        ValueError: if one is not whole, or the end is missing.
    """
    with path.open("rb") as stream:
        head = _exactly(stream, 13)
        _table(stream, head[10])
        while (kind := _exactly(stream, 1)) != _END:
            if kind == _EXTENSION:
                _exactly(stream, 1)
            elif kind == _PICTURE:
                _table(stream, _exactly(stream, 9)[8])
                _exactly(stream, 1)
            else:
                raise ValueError("there is something else where a block should begin")
            while size := _exactly(stream, 1)[0]:
                _exactly(stream, size)


def check_transport_stream(path: Path) -> None:
    """Whether a transport stream ends with a whole packet; one that begins with something else passes.

    Raises:
        ValueError: if it ends inside a packet.
    """
    with path.open("rb") as stream:
        head = stream.read(1 << 12)
    for size, before in _PACKETS:
        begun = [byte == _SYNC for byte in head[before::size]]
        if all(begun) and path.stat().st_size % size:
            raise ValueError("it ends inside a packet")


# By the name that FFmpeg gives the kind.
CHECKS = {"gif": check_gif, "mpegts": check_transport_stream}


def _table(stream: BinaryIO, packed: int) -> None:
    """Skip a table of colours, where the flags of a header say that there is one."""
    if packed & 0x80:
        _exactly(stream, 3 << (packed & 7) + 1)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise ValueError("its end is missing")
    return found
