"""Images with bytes that are wrong or missing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vqa.data.images import read_image
from vqa.data.paths import MediaError


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp", ".gif", ".jp2", ".avif", ".ppm"])
def test_damage_of_every_kind_is_one_line_with_the_name(tmp_path, suffix):
    path, generator = tmp_path / f"a{suffix}", np.random.default_rng(3)
    Image.fromarray(generator.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(path)
    whole = path.read_bytes()
    refused = 0
    for _ in range(60):
        broken = bytearray(whole)
        for at in generator.integers(0, min(len(whole), 200), 4):
            broken[at] = generator.integers(0, 256)
        path.write_bytes(broken[: generator.integers(1, len(whole) + 1)])
        message = refusal(path)
        refused += message is not None
        assert message is None or (message.startswith(f"{path}: ") and "\n" not in message)
    assert refused > 30


def refusal(path: Path) -> str | None:
    """Why an image is not read; None if it is."""
    try:
        read_image(path)
    except MediaError as error:
        return str(error)
    return None
