"""One file to one score, with what had to be assumed.

A file is decoded twice from the front, first all of it to learn its frames and whether it is whole, then up to the last
frame that the network looks at. So memory holds the frames of one look, not those of the video.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.images import is_image
from vqa.data.items import Item
from vqa.data.patches import Patch
from vqa.data.paths import MediaError
from vqa.data.video import read_frames
from vqa.extract.base import Extractor
from vqa.io import InputError
from vqa.methods.base import Branched, Inputs, Limited, Reader, Stream
from vqa.rng import torch_generator
from vqa.score.survey import survey
from vqa.settings.strict import ParamsError
from vqa.training.loader import to_device


@dataclass(frozen=True)
class Result:
    """What came out for one file; what is not known of a file that cannot be scored is None.

    Attributes:
        file: its path as it was given.
        status: ``ok``, ``warning``: scored, after assuming what the reason says, or ``error``: not scored.
        score: raw output of the network, on whatever scale its training left it.
        mos_estimate: the score on the MOS scale of the training set; None where that is not known.
        reason: of a warning or an error, "" otherwise.
        width: of a decoded frame in pixels, after rotation.
        height: of a decoded frame in pixels, after rotation.
        frames: frames that really decode; 1 for an image.
        fps: average frame rate in 1/s; 0 for an image.
        codec: name of the codec or image format.
        rotation: degrees counter-clockwise in the container's display matrix; already applied.
    """

    file: str
    status: str
    score: float | None = None
    mos_estimate: float | None = None
    reason: str = ""
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    fps: float | None = None
    codec: str | None = None
    rotation: int | None = None


class Looking(Protocol):
    """What a scorer asks of a method (:class:`vqa.methods.base.Method`)."""

    config: Any
    batch_size: int

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """What :meth:`scores` takes of one item."""

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Scores ``(B,)`` or ``(B, k)`` of a batch."""


@dataclass(frozen=True)
class FileSource:
    """What an extractor may read of a file (:class:`vqa.extract.base.Source`)."""

    path: Path
    exif: str

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""
        return read_frames(self.path, indices, self.exif)

    def patches(self) -> list[Patch]:
        """None: a file that is scored has no labels."""
        return []


class FileReader:
    """Frames and features of one file (:class:`vqa.methods.base.Reader`).

    Args:
        path: the file.
        item: what is known of it.
        describe: the extractors of the training set's features, by name; each is loaded when it is asked for.
        exif: rule for images.

    Attributes:
        span: frames that the extractors which have been asked for look at together, of the one that looks at most.
    """

    def __init__(self, path: Path, item: Item, describe: Mapping[str, Callable[[], Extractor]], exif: str) -> None:
        self.path, self._item, self._describe, self._exif = path, item, describe, exif
        self._rows: dict[str, np.ndarray] = {}
        self.span = 1

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""
        return read_frames(self.path, indices, self._exif)

    def features(self, name: str) -> np.ndarray:
        """Rows ``(L, channels)`` float32 of the extraction ``name``; InputError where params say nothing of it.

        Published features are those of the items of their data sets, and cannot be made.
        """
        if name not in self._describe:
            raise InputError(
                f"the network reads published features ({name}), which cannot be made from a file: name another"
            )
        if name not in self._rows:
            extractor = self._describe[name]()
            extractor.check(self._item)
            self.span = max(self.span, extractor.span)
            self._rows[name] = extractor.rows(self._item, FileSource(self.path, self._exif))
        return self._rows[name]

    def length(self, name: str) -> int:
        """How many rows the extraction ``name`` has."""
        return len(self.features(name))

    def mos_range(self) -> tuple[float, float]:
        """0 and 1: a file that is scored has no labels."""
        return 0.0, 1.0

    def patches(self) -> np.ndarray:
        """None, ``(0,)`` float32: a file that is scored has no labels."""
        return np.zeros(0, np.float32)


@dataclass(frozen=True)
class Scorer:
    """One network and all that is needed to look at a file as it looks at the items of a data set.

    Attributes:
        model: the network, on ``device`` and in evaluation mode.
        method: its method.
        device: to compute on.
        mos_scale: gives the estimate for a score, None for none.
        describe: extractors of the features that its method may read, by name.
        exif: rule for images (:func:`vqa.data.images.read_image`), the one of the prepared data.
    """

    model: nn.Module
    method: Looking
    device: torch.device
    mos_scale: Callable[[float], float] | None = None
    describe: Mapping[str, Callable[[], Extractor]] = field(default_factory=dict)
    exif: str = "ignore"

    def score(self, file: str) -> Result:
        """Score one file; everything that is wrong with the file itself is in the result.

        On the processor that made them, scores are those of ``predictions.csv`` to the last digit; only items of
        SimpleVQA's last batch, if that is not full, may differ by rounding.

        Raises:
            InputError: if the run cannot score files at all.
        """
        path, reason = Path(file), ""
        known: dict[str, Any] = {}
        try:
            item, odd = survey(path, known, self.exif)
            reader = FileReader(path, item, self.describe, self.exif)
            value = self._value(item, reader)
            assumed = "; ".join([*odd, *self._assumptions(item, reader.span)])
        except MediaError as error:
            # Its remedy, after the semicolon, is for the files of a data set.
            reason = str(error).removeprefix(f"{path}: ").partition("; ")[0]
            reason += f" ({known['codec']})" if known else ""
        except ParamsError:
            raise
        except ValueError as error:
            reason = f"an image, which this method cannot score: {error}" if is_image(path) else str(error)
        except (MemoryError, torch.OutOfMemoryError):
            reason = "too large for the memory"
        except InputError:  # not of the file: this network scores none
            raise
        except Exception as error:  # whatever one file does to a decoder or a network, the others get their scores
            reason = f"cannot be scored: {type(error).__name__}: {' '.join(str(error).split())}"
        if reason:
            return Result(file, "error", reason=reason, **known)
        estimate = None if self.mos_scale is None else self.mos_scale(value)
        return Result(file, "warning" if assumed else "ok", value, estimate, assumed, **known)

    @torch.inference_mode()
    def _value(self, item: Item, reader: FileReader) -> float:
        def stream(purpose: str) -> torch.Generator:
            return torch_generator(purpose, 0, "score")  # the clean protocol draws nothing from it

        if isinstance(self.method, Limited):
            self.method.check(item)
        inputs = self.method.sample(item, reader, "clean", stream)
        batch = to_device(_batch(inputs, self.method.batch_size), self.device)
        outputs = self.method.scores(self.model, batch)[:1].double().cpu().numpy()
        fused = self.method.fuse(outputs, "clean") if isinstance(self.method, Branched) else outputs
        value = float(fused[0])
        if not math.isfinite(value):
            raise ValueError("its score is not a finite number")
        return value

    def _assumptions(self, item: Item, span: int) -> Iterator[str]:
        """What the method's sampling, or else what made the features that it has read, makes up for."""
        rule = getattr(self.method.config, "sampling", {}).get("clean")
        temporal = getattr(rule, "temporal", None)
        if temporal is not None:
            span = (temporal.frames - 1) * temporal.interval + 1
        if item.n_frames < span and is_image(Path(item.name)):
            yield "an image: its one frame stands for a video"
        elif item.n_frames < span:
            yield f"shorter than a clip of {span} frames: frames are repeated"
        if rule is not None:
            height, width = rule.fragments.size
            if item.height < height or item.width < width:
                yield f"smaller than the network's {width}x{height}: enlarged"


def _batch(inputs: Inputs, size: int) -> Inputs:
    """A batch ``(B, ...)`` of one item: of copies that fill a batch of ``size`` for the inputs of SimpleVQA.

    Its last feature maps and linear layers are so small that their sums are rounded otherwise alone than in a batch.
    """
    if not isinstance(inputs, dict):
        return inputs[None]
    return {name: tensor[None].expand(size, *tensor.shape) for name, tensor in inputs.items()}
