"""Reference scenes from photographs: what a good camera would have seen.

The photographs are those inside the scikit-image wheel, read straight from the package's folder: nothing is downloaded.
Every world is a crop scaled down from a larger photograph, so that undegraded frames carry detail up to the last pixel.
Without that a blurred clip could not be told from a pristine one.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from vqa.data.synthetic import fullref, procedural
from vqa.data.synthetic.scene import Scene, Sprite

PHOTOS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "motorcycle_left.png", "rocket.jpg")
TEXTURES = ("brick.png", "grass.png", "gravel.png", "ihc.png", "hubble_deep_field.jpg")
DETAIL = (20.0, 26.0)
MAX_SHARPENING = 150


def make_scene(family: str, size: tuple[int, int], moving: bool, generator: np.random.Generator) -> Scene:
    """Return a random scene of a content family for frames of ``size`` = (W, H) pixels.

    Args:
        family: one of ``spec.FAMILIES``.
        size: frame size in pixels.
        moving: False for still images, whose world is exactly the frame.
        generator: decides everything.

    Raises:
        ValueError: for an unknown family.
    """
    world = (round(size[0] * 1.3) + 12, round(size[1] * 1.3) + 12) if moving else size
    scene = _choose(family, size, world, moving, generator)
    return dataclasses.replace(scene, world=focus(scene.world, generator.uniform(*DETAIL)))


def _choose(
    family: str, size: tuple[int, int], world: tuple[int, int], moving: bool, generator: np.random.Generator
) -> Scene:
    match family:
        case "photo":
            return Scene(*photo(generator.choice(PHOTOS), world, generator))
        case "texture":
            return Scene(*photo(generator.choice(TEXTURES), world, generator))
        case "landscape":
            return Scene(procedural.landscape(world, generator), _identity(family, generator))
        case "sprites":
            picture, identity = photo(generator.choice(PHOTOS + TEXTURES), world, generator)
            return Scene(picture, identity, sprites=tuple(_balls(world, generator)))
        case "particles":
            sprites = tuple(procedural.particles(world, generator))
            return Scene(procedural.night(world, generator), _identity(family, generator), sprites=sprites)
        case "screen":
            page = (round(size[0] * 1.12) + 8, size[1] * 2) if moving else size
            return Scene(procedural.page(page, generator), _identity(family, generator), "scroll")
        case "game":
            level = (round(size[0] * 1.6), round(size[1] * 1.2) + 8) if moving else size
            return Scene(
                procedural.level(level, generator),
                _identity(family, generator),
                "track",
                sprites=tuple(procedural.players(level, generator)),
                overlay=procedural.scoreboard(size, generator),
            )
    raise ValueError(f"content family {family!r} is unknown; see vqa/data/synthetic/spec.py")


def photo(name: str, size: tuple[int, int], generator: np.random.Generator) -> tuple[Image.Image, str]:
    """Return a crop of a photograph scaled down to ``size`` and an id that names photograph, crop and look."""
    source = _source(name)
    if generator.random() < 0.5:
        source = source.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        name = f"{name}:flipped"
    largest = min(source.width / size[0], source.height / size[1])
    scale = generator.uniform(min(1.5, largest), min(3.0, largest))
    width, height = scale * size[0], scale * size[1]
    boxes = []
    for _ in range(4):
        left = generator.uniform(0, source.width - width)
        top = generator.uniform(0, source.height - height)
        boxes.append((left, top, left + width, top + height))
    # People point cameras at something: the busiest of a few random crops, so that quality shows everywhere.
    box = max(boxes, key=lambda b: _busyness(source, b))
    picture = source.resize(size, Image.Resampling.LANCZOS, box=box)
    gamma = generator.uniform(0.85, 1.15)
    tint = generator.uniform(0.9, 1.08, 3)
    ramp = 255 * (np.arange(256) / 255) ** gamma
    picture = picture.point([int(v) for gain in tint for v in np.clip(ramp * gain, 0, 255).round()])
    return picture, f"{name}@{'x'.join(f'{v:.1f}' for v in box)}"


def focus(picture: Image.Image, target: float) -> Image.Image:
    """Sharpen a picture, or flatten it, so that its mean gradient magnitude comes near ``target`` (grey levels).

    Pristine pictures of equal crispness leave a loss of detail as a sign of quality rather than of content.
    """
    level = _detail(picture)
    if level > target:
        grey = Image.new("RGB", picture.size, tuple(int(v) for v in np.asarray(picture).mean((0, 1))))
        return Image.blend(grey, picture, max(0.5, target / level))
    gain = _detail(picture.filter(ImageFilter.UnsharpMask(radius=1, percent=100, threshold=0))) - level
    percent = min(MAX_SHARPENING, round(100 * (target - level) / max(gain, 1e-3)))
    return picture.filter(ImageFilter.UnsharpMask(radius=1, percent=percent, threshold=0))


def _detail(picture: Image.Image) -> float:
    return float(np.sqrt(fullref.squared_gradient(np.asarray(picture))).mean())


@functools.cache
def _source(name: str) -> Image.Image:
    package = importlib.util.find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise ValueError("scikit-image is not installed; the demo data is made from the photographs in its wheel")
    with Image.open(Path(package.submodule_search_locations[0]) / "data" / name) as image:
        return image.convert("RGB")


def _busyness(source: Image.Image, box: tuple[float, float, float, float]) -> float:
    small = np.asarray(source.resize((48, 32), Image.Resampling.BOX, box=box).convert("L"), dtype=np.float32)
    return float(np.abs(np.diff(small, axis=0)).mean() + np.abs(np.diff(small, axis=1)).mean())


def _balls(world: tuple[int, int], generator: np.random.Generator) -> list[Sprite]:
    """Return two to five round cut-outs of photographs that fly through the world."""
    sprites = []
    for _ in range(int(generator.integers(2, 6))):
        side = int(generator.integers(world[1] // 7, world[1] // 3))
        picture, _identity_of_picture = photo(generator.choice(PHOTOS), (side, side), generator)
        mask = Image.new("L", (side * 4, side * 4))
        ImageDraw.Draw(mask).ellipse((4, 4, side * 4 - 5, side * 4 - 5), fill=255)
        picture.putalpha(mask.reduce(4))
        start = generator.uniform(0.15, 0.85, 2) * world
        velocity = generator.normal(0, 1.0, 2)
        sprites.append(
            Sprite(
                picture,
                tuple(start),
                tuple(velocity),
                swing=tuple(generator.uniform(0, 10, 2)),
                rate=generator.uniform(0.05, 0.3),
                phase=generator.uniform(0, 6.28),
            )
        )
    return sprites


def _identity(family: str, generator: np.random.Generator) -> str:
    return f"{family}#{generator.integers(1 << 40):010x}"
