"""Whole rows of VIDEVAL's published matrix against our features of the same videos: ``pytest -m published``."""

from pathlib import Path

import numpy as np
import pytest
from handcrafted_clips import FILES
from mirror import brought, mirror_folder

from vqa.data.published.features import feature_table
from vqa.handcrafted.planes import read_planes
from vqa.handcrafted.videval import FEATURES, videval

CLIPS = ("4495254692", "10053703034", "3339962845")
# Largest relative difference by position, from 1, as the specification measured it on six clips and why (8.4): flat
# areas, and roundings of eight-bit Lab; all other positions agree to the rounding of sums.
EXACT, ROUNDED = 1e-10, 1e-6
LOOSE = {
    **dict.fromkeys((1, 2, 36, 44), 2e-3),
    **dict.fromkeys((23, 25, 26, 27, 28), 2e-3),
    **dict.fromkeys((20, 21, 22, 24), 1.5e-2),
    **{29: 5e-2, 46: 1e-3, 51: 5e-2},
}
ROUNDING = {16, 17, 18, 30, 43, 45, 47, 48, 49, *range(55, 61)}


@pytest.mark.published
@pytest.mark.parametrize("name", CLIPS)
def test_every_position_is_as_close_as_a_faithful_extractor_comes(name: str, tmp_path: Path) -> None:
    files = sorted(mirror_folder().rglob(FILES.get(name, f"{name}.mp4")))
    if not files:
        pytest.skip(f"no {name}.mp4 in the mirror")
    table = feature_table("videval", "konvid1k", brought(tmp_path / "data", "videval"))
    row = next(i for i, other in enumerate(table.names) if Path(other).stem == name)
    published, ours = table.features[row].astype(float), videval(*read_planes(files[0]))
    # The published numbers are read in single precision.
    single = float(np.finfo(np.float32).eps)
    relative = np.abs(ours - published) / np.maximum(np.abs(published), 1e-12)
    for position, feature in enumerate(FEATURES, start=1):
        bound = LOOSE.get(position, ROUNDED if position in ROUNDING else EXACT) + single
        assert relative[position - 1] <= bound, f"{position} {feature}: {relative[position - 1]:.2g}"
