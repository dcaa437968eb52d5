"""Parts of a file that was cut, read as the whole."""

import io
from pathlib import Path
from typing import BinaryIO


class Joined(io.RawIOBase):
    """Several files as one stream, in the order given."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._waiting = list(paths)
        self._file: BinaryIO | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, fewer only at the very end."""
        pieces, missing = [], size
        while missing:
            if self._file is None:
                if not self._waiting:
                    break
                self._file = self._waiting.pop(0).open("rb")
            piece = self._file.read(missing)
            pieces.append(piece)
            missing -= len(piece)
            if not piece:
                self._file.close()
                self._file = None
        return b"".join(pieces)

    def close(self) -> None:
        """Close the open part."""
        if self._file is not None:
            self._file.close()
        super().close()
