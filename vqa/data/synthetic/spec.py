"""What one synthetic data set is made of, as plain data: the vocabulary and the validated :class:`SyntheticSpec`.

Only this file knows the names that a parameter file may use; it imports nothing heavy, so that reading parameters stays
cheap. The other files of the package implement the names, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KINDS = ("video", "image")
FAMILIES = ("photo", "texture", "landscape", "sprites", "particles", "screen", "game")
DEGRADATIONS = (
    "defocus", "motion_blur", "downscale", "exposure", "contrast", "noise", "shake", "drops", "compression",
)  # fmt: skip
TEMPORAL = ("shake", "drops")
CODECS = {"video": ("h264", "hevc", "vp9"), "image": ("jpeg", "png")}
MAX_FRAMES = 63


@dataclass(frozen=True)
class OddCase:
    """What an odd case forces on the clip that has it; ``None`` leaves the ordinary draw.

    Args:
        codec: codec name.
        size: displayed width and height in pixels.
        frames: lowest and highest number of frames.
        pixel_format: FFmpeg name of the stored pixel format.
        rotation: degrees clockwise that a player has to turn the stored frames by.
        variable_rate: frames are shown at uneven times.
    """

    codec: str | None = None
    size: tuple[int, int] | None = None
    frames: tuple[int, int] | None = None
    pixel_format: str = "yuv420p"
    rotation: int = 0
    variable_rate: bool = False


ODD_CASES: Mapping[str, OddCase] = {
    "rotated": OddCase(codec="h264", size=(90, 160), rotation=90),
    "odd_size_vp9": OddCase(codec="vp9", size=(151, 85)),
    "odd_size_yuv444": OddCase(codec="h264", size=(151, 85), pixel_format="yuv444p"),
    "small": OddCase(size=(96, 54)),
    "short": OddCase(frames=(9, 14)),
    "trimmed": OddCase(frames=(24, 28)),
    "open_gop": OddCase(codec="hevc"),
    "variable_rate": OddCase(codec="h264", variable_rate=True),
}


@dataclass(frozen=True)
class Degradation:
    """How often a degradation occurs (``probability``) and how strong it is when it does (range inside [0, 1])."""

    probability: float
    strength: tuple[float, float]


@dataclass(frozen=True)
class Raters:
    """Each item is rated by ``number`` people out of a pool; ``bias_sd`` and ``noise_sd`` are in units of the scale."""

    number: int
    bias_sd: float
    noise_sd: float


@dataclass(frozen=True)
class SyntheticSpec:
    """A whole data set, described. Build it with :meth:`from_dict`, which checks every value.

    Args:
        name: the data set's name; it is part of every random stream's key.
        kind: ``"video"`` or ``"image"``.
        splits: items per split.
        mos_scale: lowest and highest opinion on the data set's own scale.
        sizes: weight of each displayed ``(width, height)``.
        codecs: weight of each codec of the kind.
        degradations: the mix; degradations left out do not occur.
        content: weight of each content family.
        raters: the simulated observers.
        frames: lowest and highest number of frames (video).
        fps: frame rates, equally likely (video).
        split_sizes: sizes that replace ``sizes`` in some splits.
        odd: number of items of each odd case, taken from the splits that use ``sizes`` (video).
        patches: whether raters judge three space-time patches of every video, too.
    """

    name: str
    kind: str
    splits: Mapping[str, int]
    mos_scale: tuple[float, float]
    sizes: Mapping[tuple[int, int], float]
    codecs: Mapping[str, float]
    degradations: Mapping[str, Degradation]
    content: Mapping[str, float]
    raters: Raters
    frames: tuple[int, int] = (1, 1)
    fps: tuple[int, ...] = (0,)
    split_sizes: Mapping[str, Mapping[tuple[int, int], float]] = field(default_factory=dict)
    odd: Mapping[str, int] = field(default_factory=dict)
    patches: bool = False

    @classmethod
    def from_dict(cls, name: str, mapping: Mapping[str, Any]) -> SyntheticSpec:
        """Read a spec from plain YAML data; sizes are written ``160x90``.

        Raises:
            ValueError: one line that names the data set, the key and what is wrong with it.
        """
        where = f"synthetic data set {name!r}"
        _known(where, mapping, [f.name for f in fields(cls) if f.name != "name"])
        values = dict(mapping)
        missing = [f for f in ("kind", "splits", "mos_scale", "sizes", "codecs", "degradations", "content", "raters")
                   if f not in values]  # fmt: skip
        if missing:
            raise ValueError(f"{where}: missing key {missing[0]!r}")
        try:
            values["mos_scale"] = tuple(float(v) for v in values["mos_scale"])
            values["sizes"] = _sizes(values["sizes"])
            values["split_sizes"] = {str(s): _sizes(m) for s, m in values.get("split_sizes", {}).items()}
            for key in ("codecs", "content"):
                values[key] = {str(k): float(v) for k, v in values[key].items()}
            for key in ("splits", "odd"):
                values[key] = {str(k): _count(v) for k, v in values.get(key, {}).items()}
            for key, default in (("frames", (1, 1)), ("fps", (0,))):
                values[key] = tuple(_count(v) for v in values.get(key, default))
            values["raters"] = Raters(**values["raters"])
            values["degradations"] = {
                key: Degradation(**{**part, "strength": tuple(float(v) for v in part["strength"])})
                for key, part in values["degradations"].items()
            }
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(f"{where}: cannot read the mapping ({type(error).__name__}: {error})") from None
        return cls(name=name, **values)

    def __post_init__(self) -> None:
        where = f"synthetic data set {self.name!r}"
        if self.kind not in KINDS:
            raise ValueError(f"{where}: kind is {self.kind!r}, must be one of {', '.join(KINDS)}")
        _known(f"{where}, codecs", self.codecs, CODECS[self.kind])
        _known(f"{where}, content", self.content, FAMILIES)
        _known(f"{where}, degradations", self.degradations, DEGRADATIONS)
        _known(f"{where}, odd", self.odd, ODD_CASES)
        _known(f"{where}, split_sizes", self.split_sizes, list(self.splits))
        for key in ("splits", "sizes", "codecs", "content"):
            weights = getattr(self, key)
            if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
                raise ValueError(f"{where}: {key} must hold numbers >= 0 with a sum above 0")
        if len(self.mos_scale) != 2 or self.mos_scale[0] >= self.mos_scale[1]:
            raise ValueError(f"{where}: mos_scale is {list(self.mos_scale)}, must be [low, high]")
        self._check_shapes(where)
        for key, part in self.degradations.items():
            ordered = len(part.strength) == 2 and 0 <= part.strength[0] <= part.strength[1] <= 1
            if not (ordered and 0 <= part.probability <= 1):
                raise ValueError(f"{where}: degradation {key!r} needs a probability and a strength range inside [0, 1]")
        if self.raters.number < 1 or self.raters.bias_sd < 0 or self.raters.noise_sd < 0:
            raise ValueError(f"{where}: raters needs number >= 1 and deviations >= 0")

    def _check_shapes(self, where: str) -> None:
        for size in [size for table in (self.sizes, *self.split_sizes.values()) for size in table]:
            if min(size) < 16 or size[0] % 2 or size[1] % 2:
                raise ValueError(f"{where}: size {size[0]}x{size[1]} must be even and >= 16 (odd sizes: key 'odd')")
        if self.kind == "image":
            if self.odd or self.patches or self.frames != (1, 1) or set(TEMPORAL) & set(self.degradations):
                raise ValueError(f"{where}: images have no frames, odd cases, patches, or {' or '.join(TEMPORAL)}")
            return
        if len(self.frames) != 2 or not 1 <= self.frames[0] <= self.frames[1] <= MAX_FRAMES:
            raise ValueError(f"{where}: frames is {list(self.frames)}, must be [low, high] within 1..{MAX_FRAMES}")
        if not self.fps or min(self.fps) < 1:
            raise ValueError(f"{where}: fps must list frame rates of at least 1")
        room = sum(n for split, n in self.splits.items() if split not in self.split_sizes)
        if sum(self.odd.values()) > room:
            raise ValueError(f"{where}: {sum(self.odd.values())} odd cases do not fit into {room} items")


def _known(where: str, given: Mapping[str, Any], allowed: Any) -> None:
    unknown = [str(key) for key in given if key not in allowed]
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(map(str, allowed)))}")


def _count(value: Any) -> int:
    if int(value) != value or value < 0:
        raise ValueError(f"{value!r} is not a whole number >= 0")
    return int(value)


def _sizes(table: Mapping[str, float]) -> dict[tuple[int, int], float]:
    sizes = {}
    for text, weight in table.items():
        width, _, height = str(text).partition("x")
        sizes[(int(width), int(height))] = float(weight)
    return sizes
