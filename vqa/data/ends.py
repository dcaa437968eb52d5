"""The ends of files, by the kind of container: whether a file is whole where its frames and their times do not tell.

Decoders show half a picture without a word, and the last packet of a file may be shown later than those that are cut
off.
"""

from pathlib import Path
from typing import BinaryIO

# Blocks of a GIF: an extension, a picture, the end.
_EXTENSION, _PICTURE, _END = b"!", b",", b";"
# Bytes of a packet of a transport stream and how many of them come before its first, always the same byte: as
# broadcast, as discs and cameras have it, and with a checksum.
_PACKETS, _SYNC = ((188, 0), (192, 4), (204, 0)), 0x47
# The element of Matroska that holds all pictures.
_SEGMENT = 0x18538067


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


def check_matroska(path: Path) -> None:
    """Whether Matroska or WebM is as long as it says, if it does: recorders that write as they go do not.

    Raises:
        ValueError: if it is shorter.
    """
    with path.open("rb") as stream:
        while True:
            name = _number(stream, marked=True)
            size = _number(stream)
            if size is None:
                return
            end = stream.tell() + size
            if name == _SEGMENT:
                break
            stream.seek(end)
    if end > path.stat().st_size:
        raise ValueError(f"its end is missing ({end - path.stat().st_size} of {end} bytes)")


# By the name that FFmpeg gives the kind.
CHECKS = {"gif": check_gif, "matroska": check_matroska, "mpegts": check_transport_stream}


def _number(stream: BinaryIO, marked: bool = False) -> int | None:
    """A number of Matroska, whose first bits say how many bytes it takes; None for one that stands for not known.

    In names the bits of the length are part of the number (``marked``).
    """
    first = _exactly(stream, 1)[0]
    length = 9 - first.bit_length()
    number = first << 8 * (length - 1) | int.from_bytes(_exactly(stream, length - 1))
    bits = 7 * length
    value = number & (1 << bits) - 1
    return number if marked else None if value == (1 << bits) - 1 else value


def _table(stream: BinaryIO, packed: int) -> None:
    """Skip a table of colours, where the flags of a header say that there is one."""
    if packed & 0x80:
        _exactly(stream, 3 << (packed & 7) + 1)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise ValueError("its end is missing")
    return found
