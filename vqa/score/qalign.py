"""Scoring protocol of Q-Align around its network: frames, pictures, prompt, and the score of five logits.

Source: MULTIBRANCH_A 13.3. The network itself has 8 billion weights and stays behind ``LevelLogits``.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

LEVELS = ("excellent", "good", "fair", "poor", "bad")
LEVEL_WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
SIDE = 448  # pixels
BACKGROUND = (122, 116, 104)  # int(255 MEAN)
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

PLACEHOLDER = "<|image|>"
PLACEHOLDER_ID = -200
VIDEO_PROMPT = (
    f"USER: How would you rate the quality of this video?\n{PLACEHOLDER} ASSISTANT: The quality of the video is"
)

LevelLogits = Callable[[Tensor], Tensor]
"""Pixels ``(K, 3, 448, 448)`` of one video to the logits ``(5,)`` of the next word, in the order of ``LEVELS``."""


def frame_indices(count: int, fps: float) -> np.ndarray:
    """Int64 indices ``(K,)`` of one frame for each whole second (MULTIBRANCH_A 13.3.1).

    Args:
        count: frames of the video.
        fps: its average frame rate in Hz.

    Raises:
        ValueError: if the rate is not positive, or the video is shorter than a second, where the public code fails.
    """
    if not fps > 0:
        raise ValueError(f"frame rate {fps} is not positive")
    seconds = int(count / fps)
    if seconds < 1:
        raise ValueError(f"{count} frames at {fps:g} fps last less than a second; Q-Align needs one")
    return np.array([int(fps * second) for second in range(seconds)], dtype=np.int64)


def squared(frame: np.ndarray) -> np.ndarray:
    """Uint8 RGB ``(H, W, 3)`` in the middle of a square ``(S, S, 3)`` of side S = max(H, W) in ``BACKGROUND``."""
    height, width = frame.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.empty((side, side, 3), dtype=np.uint8)
    square[:] = BACKGROUND
    square[top : top + height, left : left + width] = frame
    return square


def pixels(frame: np.ndarray) -> np.ndarray:
    """Uint8 RGB ``(H, W, 3)`` to the float32 network input ``(3, 448, 448)``, normalised (MULTIBRANCH_A 13.3.1)."""
    picture = Image.fromarray(squared(frame)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    values = (np.asarray(picture) / 255 - np.array(MEAN)) / np.array(STD)
    return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)


def prompt_ids(prompt: str, encode: Callable[[str], Sequence[int]]) -> list[int]:
    """Token ids of ``prompt``, with ``PLACEHOLDER_ID`` where the frames go (MULTIBRANCH_A 13.3.1).

    Args:
        prompt: text with any number of ``PLACEHOLDER``.
        encode: a tokenizer whose every answer begins with the begin-of-sequence id; that of the first piece is kept.
    """
    first, *rest = (list(encode(piece)) for piece in prompt.split(PLACEHOLDER))
    ids = first
    for piece in rest:
        ids += [PLACEHOLDER_ID, *piece[1:]]
    return ids


def score(logits: Tensor) -> Tensor:
    """Logits ``(..., 5)`` in the order of ``LEVELS`` to scores ``(...)`` in [0, 1] (MULTIBRANCH_A 13.3.2).

    Softmax over these five only, then their weighted sum, both in the type of ``logits``: float64 as the evaluation
    scripts do, or half as the released scorers do, whose scores tie (Q3). The maximum is subtracted first, so that
    logits above 709, where the scripts overflow, have a score as well.
    """
    return (logits.softmax(-1) * logits.new_tensor(LEVEL_WEIGHTS)).sum(-1)


def one_to_five(scores: Tensor) -> Tensor:
    """Scores in [0, 1] on the scale 1 to 5 of the README (MULTIBRANCH_A 13.3.2)."""
    return 1 + 4 * scores


def video_score(frames: np.ndarray, network: LevelLogits) -> float:
    """Float64 score in [0, 1] of the frames ``(K, H, W, 3)`` uint8 RGB that ``frame_indices`` chose."""
    inputs = torch.from_numpy(np.stack([pixels(frame) for frame in frames]))
    return float(score(network(inputs).double()))
