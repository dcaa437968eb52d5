"""Q-Align's protocol around a network of the test's own."""

import numpy as np
import pytest
import torch
from PIL import Image

from vqa.score import qalign


def test_one_frame_of_every_whole_second() -> None:
    assert qalign.frame_indices(75, 25.0).tolist() == [0, 25, 50]
    assert qalign.frame_indices(74, 25.0).tolist() == [0, 25], "the last part of a second is never looked at"
    assert qalign.frame_indices(300, 29.97).tolist()[:3] == [0, 29, 59]
    with pytest.raises(ValueError, match="last less than a second"):
        qalign.frame_indices(24, 25.0)
    with pytest.raises(ValueError, match="not positive"):
        qalign.frame_indices(24, 0.0)


def test_pictures_are_squared_and_normalised() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    square = qalign.squared(frame)
    assert square.shape == (31, 31, 3)
    np.testing.assert_array_equal(square[5:25], frame)
    assert (square[:5] == qalign.BACKGROUND).all()
    found = qalign.pixels(frame)
    assert found.shape == (3, 448, 448)
    large = np.asarray(Image.fromarray(square).resize((448, 448), Image.Resampling.BICUBIC)) / 255
    expected = (large[..., 1] - qalign.MEAN[1]) / qalign.STD[1]
    np.testing.assert_allclose(found[1], expected, atol=1e-6)


def test_the_placeholder_stands_between_the_pieces() -> None:
    def encode(text: str) -> list[int]:
        return [1, *map(ord, text)]

    assert qalign.prompt_ids(f"ab{qalign.PLACEHOLDER}c", encode) == [1, 97, 98, -200, 99]


@pytest.mark.parametrize(("logits", "expected"), [([50, 0, 0, 0, 0], 1), ([0, 0, 0, 0, 50], 0), ([3, 3, 3, 3, 3], 0.5)])
def test_scores_go_from_bad_to_excellent(logits: list[float], expected: float) -> None:
    found = qalign.score(torch.tensor(logits, dtype=torch.float64))
    assert found.item() == pytest.approx(expected, abs=1e-12)
    assert qalign.one_to_five(found).item() == pytest.approx(1 + 4 * expected)


def test_a_video_is_scored_by_the_network_that_is_given() -> None:
    frames = np.zeros((2, 6, 8, 3), np.uint8)
    frames[1] = 255

    def network(inputs: torch.Tensor) -> torch.Tensor:
        assert inputs.shape == (2, 3, 448, 448)
        return torch.tensor([0.0, 2.0, 0.0, 0.0, 0.0]) * (inputs[1].mean() > inputs[0].mean())

    weights = np.exp([0, 2, 0, 0, 0])
    expected = (weights * [1, 0.75, 0.5, 0.25, 0]).sum() / weights.sum()
    assert qalign.video_score(frames, network) == pytest.approx(expected)
