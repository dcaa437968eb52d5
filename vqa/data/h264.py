"""What the packets of an H.264 stream say of their pictures, read without decoding them.

Only plain streams are understood: whole frames, one in a packet, under one set of parameters that comes before all of
them. Whatever else there is, is refused with a ValueError: nothing is known then.
"""

from collections.abc import Iterator
from typing import NamedTuple

# Kinds of units: a part of a picture, of one that refers to nothing; a note to the decoder; a boundary and filling.
_PART, _ANEW, _NOTE, _EMPTY = 1, 5, 6, (9, 12)
# Profiles whose parameters name formats of pixels; format 3 has planes of its own.
_HIGH, _PLANES = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244), 3
# How places in the order of showing are told: by numbers, or by the order of decoding.
_NUMBERED, _AS_DECODED = 0, 2
# Kinds of notes on buffers and times; a size that goes on in the next byte; and what ends all notes.
_TIMES, _LONGER, _END = (0, 1), 255, b"\x80"
# Bytes that hold all that is read of parameters and parts.
_ENOUGH = 64


class Picture(NamedTuple):
    """A picture in the order of decoding.

    Attributes:
        anew: an IDR picture: neither it nor anything after it refers to what comes before, or is shown earlier.
        used: others may refer to it. A decoder keeps one that is not used in no list of references.
        counted: used pictures before it, since the last one that was anew, modulo a power of two.
        place: in the order of showing, modulo another; 0 where that is the order of decoding.
    """

    anew: bool
    used: bool
    counted: int
    place: int


class Headers:
    """Parameters of a stream, as MP4, Matroska and FLV have them (``extradata``), to read its packets by.

    Raises:
        ValueError: if the stream is not plain.
    """

    def __init__(self, extradata: bytes) -> None:
        _only(len(extradata) > 8 and extradata[0] == 1 and extradata[4] & 3 == 3 and extradata[5] & 31 == 1)
        end = 8 + int.from_bytes(extradata[6:8])
        self._sequence(extradata[8:end])
        at = end + 1
        for _ in range(extradata[end]):
            end = at + 2 + int.from_bytes(extradata[at : at + 2])
            bits = _Bits(extradata[at + 3 : end])
            bits.coded(2)
            _only(bits.number(2) & 1 == 0)  # fields have no places of their own
            at = end

    def picture(self, packet: bytes, notes: bool) -> Picture:
        """The one picture of a packet; with it there may be ``notes`` to the decoder, or such as speak of times alone.

        Raises:
            ValueError: if there is none, or more, or something else besides.
        """
        picture = None
        for unit in _units(packet):
            kind, used = unit[0] & 31, bool(unit[0] & 96)
            if kind in (_PART, _ANEW):
                if picture is None:
                    picture = self._first_part(unit, kind == _ANEW, used)
                else:
                    _only(unit[1] < 128 and picture[:2] == (kind == _ANEW, used))  # not the first block of another
            else:
                _only(kind in _EMPTY or (kind == _NOTE and (notes or _of_times(unit))))
        if picture is None:
            raise ValueError("a packet without a picture")
        return picture

    def shown(self, pictures: list[Picture]) -> list[tuple[int, int]]:
        """Numbers that order pictures as they are shown: how often the stream has begun anew, and the place since.

        Raises:
            ValueError: if it does not begin anew at first, or if used pictures are missing.
        """
        shown: list[tuple[int, int]] = []
        period = used = place = 0
        for number, picture in enumerate(pictures):
            if picture.anew:
                period, used, place = period + 1, 0, picture.place
            _only(period > 0 and picture.counted == used % self._counts)
            here = number
            if self._kind == _NUMBERED:
                # Of all places that end like this one, the nearest to that of the last used picture.
                back = self._places // 2 - 1
                here = place + (picture.place - place + back) % self._places - back
            shown.append((period, here))
            if picture.used:
                used, place = used + 1, here
        return shown

    def _sequence(self, unit: bytes) -> None:
        bits = _Bits(unit[4:_ENOUGH])
        bits.coded()
        if unit[1] in _HIGH:
            _only(bits.coded() != _PLANES)
            bits.coded(2)
            _only(bits.number(2) & 1 == 0)  # lists of numbers would follow
        self._count_bits = bits.coded() + 4
        self._kind, self._place_bits = bits.coded(), 0
        _only(self._kind in (_NUMBERED, _AS_DECODED))
        if self._kind == _NUMBERED:
            self._place_bits = bits.coded() + 4
        self._counts, self._places = 1 << self._count_bits, 1 << self._place_bits
        bits.coded()
        _only(bits.number(1) == 0)  # no counts are left out
        bits.coded(2)
        _only(bits.number(1) == 1)  # no fields

    def _first_part(self, unit: bytes, anew: bool, used: bool) -> Picture:
        bits = _Bits(unit[1:_ENOUGH])
        _only(bits.coded() == 0 and (used or not anew))
        bits.coded(2)
        count = bits.number(self._count_bits)
        if anew:
            bits.coded()
        return Picture(anew, used, count, bits.number(self._place_bits) if self._place_bits else 0)


class _Bits:
    """Bits of a unit, front to back."""

    def __init__(self, content: bytes) -> None:
        content = _plain(content)
        self._bits, self._at = f"{int.from_bytes(content):0{8 * len(content)}b}", 0

    def number(self, size: int) -> int:
        self._at += size
        _only(self._at <= len(self._bits))
        return int(self._bits[self._at - size : self._at], 2)

    def coded(self, times: int = 1) -> int:
        """The last of ``times`` numbers that say their own sizes (Exp-Golomb)."""
        for _ in range(times):
            size = self._bits.index("1", self._at) - self._at
            self._at += size
            found = self.number(size + 1) - 1
        return found


def _units(packet: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packet):
        size = int.from_bytes(packet[at : at + 4])
        _only(2 <= size < 1 << 24 and at + 4 + size <= len(packet))
        at += 4 + size
        yield packet[at - size : at]


def _of_times(note: bytes) -> bool:
    """Whether a note holds nothing but when pictures are decoded and shown, which changes none of them."""
    content = _plain(note[1:])
    while content != _END:
        kind, size = content[:2]
        if kind not in _TIMES or size == _LONGER:
            return False
        content = content[2 + size :]
    return True


def _plain(content: bytes) -> bytes:
    """Content without the bytes that keep it from looking like the start of a unit."""
    return content.replace(b"\0\0\3", b"\0\0")


def _only(plain: bool) -> None:
    if not plain:
        raise ValueError("not a plain stream of H.264")
