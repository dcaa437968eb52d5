"""Key frames and motion clips of SimpleVQA: which frames, how they are resized and cropped (METHODS 6.1-6.2)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def rounded_fps(fps: float) -> int:
    """Frames per second as a whole number, halves to even (14.5 gives 14, 15.5 gives 16).

    Raises:
        ValueError: for a frame rate that is not finite or rounds to 0: a second then has no frames. The released code
            divides by zero on one branch and makes up ten clips on the other (discrepancy L9).
    """
    if not math.isfinite(fps) or round(fps) < 1:
        image = "" if fps else " (an image has none)"
        raise ValueError(f"frame rate {fps}: must be at least one frame per second{image}")
    return round(fps)


def key_frame_indices(n_decodable: int, fps: float, minimum: int) -> Tensor:
    """First frame of every second that has begun, the last of them repeated up to ``minimum``.

    Args:
        n_decodable: frames that can be decoded.
        fps: frame rate in 1/s.
        minimum: rows at least: 8 in the paper, 20 upstream for YouTube-UGC (discrepancy L7).

    Returns:
        ``(max(minimum, seconds),)`` int64 in [0, n_decodable); a network reads the first few.

    Raises:
        ValueError: for a video without frames or without a frame rate.
    """
    _not_empty(n_decodable)
    return _repeat_last(torch.arange(0, n_decodable, rounded_fps(fps)), minimum)


def motion_clip_indices(
    n_frames_metadata: int, n_decodable: int, fps: float, minimum: int, clip_length: int = 32
) -> Tensor:
    """Consecutive frames from the start of every full second, the last clip repeated up to ``minimum``.

    The number of seconds comes from the metadata, as released; the last frame that really decodes stands in for all
    that do not exist. A video shorter than one second, on which the released code fails, has one clip from frame 0.

    Args:
        n_frames_metadata: frames that the container promises.
        n_decodable: frames that can be decoded; those beyond the promise are not used.
        fps: frame rate in 1/s.
        minimum: clips at least.
        clip_length: frames of a clip, 32 in the paper.

    Returns:
        ``(max(minimum, seconds), clip_length)`` int64 in [0, n_decodable).

    Raises:
        ValueError: for a video without frames or without a frame rate, or a clip without frames.
    """
    _not_empty(min(n_frames_metadata, n_decodable))
    if clip_length < 1:
        raise ValueError(f"clip_length must be positive, got {clip_length}")
    seconds = max(1, n_frames_metadata // rounded_fps(fps))
    starts = torch.arange(seconds) * rounded_fps(fps)
    last = min(n_frames_metadata, n_decodable) - 1
    return _repeat_last((starts[:, None] + torch.arange(clip_length)).clamp(max=last), minimum)


def resized(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Width and height after scaling the short side to ``short_side``; the other one is truncated.

    The scale is computed first and in floating point, as released: 240x426 gives 520x922 although the exact product is
    923. Only a square is protected, so that no side ever falls below ``short_side``.

    Raises:
        ValueError: if a size is not positive.
    """
    if min(width, height, short_side) < 1:
        raise ValueError(f"cannot scale {width}x{height} to a short side of {short_side}")
    scale = short_side / min(width, height)
    if height > width:
        return short_side, max(short_side, int(scale * height))
    return max(short_side, int(scale * width)), short_side


def resize_short_side(frames: Tensor, short_side: int) -> Tensor:
    """Scale ``(F, 3, H, W)`` uint8 to the size of :func:`resized`: bilinear without antialiasing, rounded to uint8."""
    height, width = frames.shape[2:]
    new_width, new_height = resized(width, height, short_side)
    if (new_width, new_height) == (width, height):
        return frames
    out = frames.new_empty(*frames.shape[:2], new_height, new_width)
    # Frame by frame: in float32 and at full resolution, all key frames of a 4K video would take gigabytes.
    for source, target in zip(frames, out, strict=True):
        large = F.interpolate(source[None].float(), (new_height, new_width), mode="bilinear", align_corners=False)
        target.copy_(large[0].round().clamp(0, 255))
    return out


def crop(frames: Tensor, size: int, generator: torch.Generator | None) -> Tensor:
    """Cut squares out of ``(F, C, H, W)``: ``(F, C, size, size)``, values unchanged.

    Args:
        frames: frames of one size.
        size: side of the squares in pixels, 448 in the paper.
        generator: stream of the positions, drawn uniformly and independently for every frame, top before left, as
            released (discrepancy L12); None for the centre (halves to even).

    Raises:
        ValueError: if the frames are smaller than the crop.
    """
    n_frames, _, height, width = frames.shape
    if min(height, width) < size:
        raise ValueError(f"frames of {width}x{height} are smaller than a crop of {size}x{size}")
    if generator is None:
        top, left = round((height - size) / 2), round((width - size) / 2)
        return frames[:, :, top : top + size, left : left + size]
    tops = torch.randint(height - size + 1, (n_frames,), generator=generator).tolist()
    lefts = torch.randint(width - size + 1, (n_frames,), generator=generator).tolist()
    corners = zip(frames, tops, lefts, strict=True)
    return torch.stack([frame[:, top : top + size, left : left + size] for frame, top, left in corners])


def _not_empty(n_frames: int) -> None:
    if n_frames < 1:
        raise ValueError("a video without frames cannot be sampled")


def _repeat_last(rows: Tensor, minimum: int) -> Tensor:
    """Rows along the first axis, the last one repeated until there are ``minimum``."""
    return rows[torch.arange(max(len(rows), minimum)).clamp(max=len(rows) - 1)]
