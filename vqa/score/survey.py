"""What a file is before anything is scored: its frames, whether it is whole, and what has to be assumed about it."""

import math
from pathlib import Path
from typing import Any

from vqa.data.decoding import Decoding, Facts
from vqa.data.images import is_image, read_image
from vqa.data.items import Item


def survey(path: Path, known: dict[str, Any], exif: str = "ignore") -> tuple[Item, tuple[str, ...]]:
    """Decode all of a file and describe it as an item without a label; and what is odd about it.

    Args:
        path: of the file.
        known: is given what is found, by the names of :class:`vqa.score.scorer.Result`, as soon as it is, so that it is
            there when the file turns out to be broken.
        exif: rule for images (:func:`vqa.data.images.read_image`).

    Raises:
        MediaError: for a folder, or a file that does not decode in full.
    """
    facts = read_image(path, exif).facts if is_image(path) else _video(path, known)
    known |= {"frames": facts.n_frames, "width": facts.width, "height": facts.height, "fps": facts.fps}
    known |= {"codec": facts.codec, "rotation": facts.rotation}
    item = Item(str(path), math.nan, facts.n_frames, facts.height, facts.width, facts.fps, facts.codec, -1, 0)
    return item, tuple(remark.text for remark in facts.remarks)


def _video(path: Path, known: dict[str, Any]) -> Facts:
    with Decoding(path) as video:
        known |= {"fps": video.fps, "codec": video.codec, "rotation": 0}
        for _ in video.frames():
            known["rotation"] = video.orientation.rotation
        return video.facts()
