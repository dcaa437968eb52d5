"""decord, the usual loader of these data sets, held against the frames that a video really has.

It repeats the nearest good frame for one that it cannot read, scales frames to the size of the first one, obeys no edit
list and leaves out the first group of pictures of transport and program streams, all without an error. So it is asked
what it would have given, and no frame is taken from it.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import decord
import numpy as np

from vqa.data.paths import for_ffmpeg

decord.logging.set_level(decord.logging.QUIET)
# Frames that it repeats are found here; it need not warn of them.
os.environ.setdefault("DECORD_DUPLICATE_WARNING_THRESHOLD", "1.0")

USUAL_DECODER = "decord"


# It reads on another thread while the right frames are decoded: about so many bytes of these at a time, so many times.
_BATCH, _WAITING = 1 << 19, 8


class UsualLoader:
    """Reads a video beside the right frames, which it is given one by one.

    Args:
        path: of the video, which is opened when there is a frame.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: Any = None
        self._counted = self._seen = 0
        self._difference = ""
        self._batch: list[np.ndarray] = []
        self._thread = ThreadPoolExecutor(1, "decord")
        self._waiting: deque[Future[None]] = deque()

    def see(self, frame: np.ndarray) -> None:
        """Hold its next frame against the right one, ``(H, W, 3)`` uint8 RGB."""
        self._batch.append(frame)
        if len(self._batch) * frame.nbytes >= _BATCH:
            self._send()

    def difference(self) -> str:
        """What it does otherwise, when all frames have been seen; empty if it gives the very same frames."""
        self._send()
        while self._waiting:
            self._waiting.popleft().result()
        self._thread.shutdown()
        if not self._difference and self._counted != self._seen:
            return f"counts {self._counted} frames, {self._seen} decode"
        return self._difference

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        self._waiting.append(self._thread.submit(self._compare, batch))
        if len(self._waiting) > _WAITING:
            self._waiting.popleft().result()

    def _compare(self, frames: list[np.ndarray]) -> None:
        if not self._seen:
            self._open()
        for frame in frames:
            self._compare_one(frame)

    def _open(self) -> None:
        try:
            with for_ffmpeg(self._path) as name:
                self._reader = decord.VideoReader(name, num_threads=1)
            self._counted = len(self._reader)
        except (RuntimeError, decord.DECORDError):
            self._difference = "cannot open it"

    def _compare_one(self, frame: np.ndarray) -> None:
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
