"""Scoring protocol of Q-Align against the released one (section 15 of the golden contract)."""

import json

import golden
import numpy as np
import pytest
import torch
from golden import assert_close, assert_summary

from vqa.score import qalign

VECTORS = golden.load("qalign")
LOGITS = VECTORS.tensor("score/logits", torch.float64)


def test_scores_in_every_precision() -> None:
    assert tuple(VECTORS.text("score/levels")) == qalign.LEVELS
    scores = qalign.score(LOGITS)
    assert_close(scores, VECTORS["score/zero_to_one"], 1e-12)
    assert_close(qalign.one_to_five(scores), VECTORS["score/one_to_five"], 1e-12)
    assert_close(qalign.score(LOGITS.float()), VECTORS["score/float32"], 1e-6)
    assert_close(qalign.score(LOGITS[:-1].half()), VECTORS["score/half"], 5e-3)


def test_score_of_logits_that_overflow() -> None:
    assert float(qalign.score(torch.full((5,), 1e4, dtype=torch.float64))) == pytest.approx(0.5)


@pytest.mark.parametrize("case", range(len(VECTORS["frames/count_fps"])))
def test_frames(case: int) -> None:
    count, fps = VECTORS["frames/count_fps"][case]
    expected = VECTORS[f"frames/{case}/index"]
    if len(expected):
        np.testing.assert_array_equal(qalign.frame_indices(int(count), float(fps)), expected)
    else:
        with pytest.raises(ValueError, match="less than a second"):
            qalign.frame_indices(int(count), float(fps))


@pytest.mark.parametrize("case", VECTORS.groups("square/", "image"))
def test_padding(case: str) -> None:
    np.testing.assert_array_equal(VECTORS["square/background"], qalign.BACKGROUND)
    np.testing.assert_array_equal(qalign.squared(VECTORS[f"square/{case}/image"]), VECTORS[f"square/{case}/padded"])


@pytest.mark.parametrize("case", VECTORS.text("prep/names"))
def test_pixels(case: str) -> None:
    frame = golden.u8(f"qalign/prep/{case}", (*VECTORS[f"prep/{case}/H_W"], 3), VECTORS.seed)
    result = qalign.pixels(frame)
    assert_summary(torch.from_numpy(result), VECTORS, f"prep/{case}/pixels", 2e-6)
    rows = result[:, ::8].astype(np.float64).mean(axis=2)
    assert_close(rows, VECTORS[f"prep/{case}/channel_row_mean"], 2e-6)


def test_prompt() -> None:
    prompts = json.loads(VECTORS["prompt/json"].tobytes())
    assert prompts[0] == qalign.VIDEO_PROMPT
    ids = qalign.prompt_ids(qalign.VIDEO_PROMPT, lambda text: [1, *map(ord, text)])
    np.testing.assert_array_equal(ids, VECTORS["prompt/ids"])


def test_video_score_asks_the_network_once() -> None:
    asked = []

    def network(inputs: torch.Tensor) -> torch.Tensor:
        asked.append(inputs.shape)
        return LOGITS[0].half()

    frames = np.zeros((2, 9, 16, 3), dtype=np.uint8)
    assert qalign.video_score(frames, network) == pytest.approx(float(VECTORS["score/zero_to_one"][0]), abs=5e-3)
    assert asked == [(2, 3, 448, 448)]
