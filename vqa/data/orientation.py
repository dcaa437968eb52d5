"""How a decoded picture is shown: the display matrix of a container or a stream, as turns and mirrors."""

import struct
from dataclasses import dataclass

import numpy as np

# By whether rows and columns are exchanged and which axes then run backwards, across and down: degrees of a turn
# counter-clockwise, and what a mirror is called, which no number of degrees can say.
_SHOWN = {
    (False, False, False): (0, ""),
    (False, True, True): (-180, ""),
    (True, True, False): (-90, ""),
    (True, False, True): (90, ""),
    (False, True, False): (0, "mirrored left and right"),
    (False, False, True): (0, "mirrored top and bottom"),
    (True, False, False): (0, "mirrored: rows and columns exchanged"),
    (True, True, True): (0, "mirrored: rows and columns exchanged, and turned by 180 degrees"),
}
# Entries of a matrix below this share of the largest one are rounding.
_ROUNDING = 0.001


@dataclass(frozen=True)
class Orientation:
    """What is done to a decoded picture before it is shown.

    Attributes:
        exchanged: rows become columns.
        across: then left and right change places.
        down: and top and bottom do.
        stretched: the matrix also scales one axis more than the other, which is not applied.
    """

    exchanged: bool = False
    across: bool = False
    down: bool = False
    stretched: bool = False

    @property
    def rotation(self) -> int:
        """Degrees counter-clockwise; 0 for mirrors."""
        return _SHOWN[self.exchanged, self.across, self.down][0]

    @property
    def mirror(self) -> str:
        """What kind of mirror it is, empty for a turn."""
        return _SHOWN[self.exchanged, self.across, self.down][1]

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """A picture ``(H, W, 3)`` as it is shown, ``(H, W, 3)`` or ``(W, H, 3)``, contiguous."""
        if not (self.exchanged or self.across or self.down):
            return picture
        if self.exchanged:
            picture = picture.swapaxes(0, 1)
        return np.ascontiguousarray(picture[:: -1 if self.down else 1, :: -1 if self.across else 1])


def orientation(matrix: bytes | None) -> Orientation:
    """What a display matrix of FFmpeg, nine 32-bit numbers, does; None and a matrix of zeros do nothing.

    Raises:
        ValueError: if it is neither a turn by a multiple of 90 degrees nor a mirror.
    """
    if matrix is None:
        return Orientation()
    a, b, u, c, d, v, *_ = struct.unpack("=9i", matrix)
    if not any((a, b, c, d)):
        return Orientation()
    largest = max(map(abs, (a, b, c, d)))
    a, b, c, d = (0 if abs(entry) <= _ROUNDING * largest else entry for entry in (a, b, c, d))
    straight, exchanged = bool(a and d and not b and not c), bool(b and c and not a and not d)
    if u or v or not (straight or exchanged):
        raise ValueError("neither a turn by a multiple of 90 degrees nor a mirror")
    across, down = (a, d) if straight else (c, b)
    stretched = abs(abs(across) - abs(down)) > _ROUNDING * largest
    return Orientation(exchanged, across < 0, down < 0, stretched)
