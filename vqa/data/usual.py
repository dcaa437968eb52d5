"""decord, the usual loader of these data sets, held against the frames that a video really has.

It repeats the nearest good frame for one that it cannot read, scales frames to the size of the first one, obeys no edit
list and leaves out the first group of pictures of transport and program streams, all without an error. So it is asked
what it would have given, and no frame is taken from it.
"""

import os
from pathlib import Path

import decord
import numpy as np

from vqa.data.paths import for_ffmpeg

decord.logging.set_level(decord.logging.QUIET)
# Frames that it repeats are found here; it need not warn of them.
os.environ.setdefault("DECORD_DUPLICATE_WARNING_THRESHOLD", "1.0")

USUAL_DECODER = "decord"


class UsualLoader:
    """Reads a video beside the right frames, which it is given one by one.

    Args:
        path: of the video.
    """

    def __init__(self, path: Path) -> None:
        self._seen, self._difference = 0, ""
        try:
            with for_ffmpeg(path) as name:
                self._reader = decord.VideoReader(name, num_threads=1)
            self._counted = len(self._reader)
        except (RuntimeError, decord.DECORDError):
            self._difference = "cannot open it"

    def see(self, frame: np.ndarray) -> None:
        """Hold its next frame against the right one, ``(H, W, 3)`` uint8 RGB."""
        number, self._seen = self._seen, self._seen + 1
        if self._difference or number >= self._counted:
            return
        try:
            given = self._reader.next().asnumpy()
        except (RuntimeError, StopIteration, decord.DECORDError):
            self._difference = f"breaks off after {number} frames"
            return
        if given.shape != frame.shape:
            self._difference = f"gives frame {number} as {'x'.join(map(str, given.shape))}"
        elif not np.array_equal(given, frame):
            self._difference = f"gives another frame {number}"

    def difference(self) -> str:
        """What it does otherwise, when all frames have been seen; empty if it gives the very same frames."""
        if not self._difference and self._counted != self._seen:
            return f"counts {self._counted} frames, {self._seen} decode"
        return self._difference
