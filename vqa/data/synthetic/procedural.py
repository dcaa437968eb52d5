"""Drawn scenes: landscapes, night skies with particles, screens of text, and side-scrolling games.

All functions take a size ``(W, H)`` in pixels and a generator. Pictures are drawn at twice the size and reduced, which
gives edges the crispness of a downscaled photograph.
"""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vqa.data.synthetic.scene import Sprite

Size = tuple[int, int]
Colour = tuple[int, int, int]


def fractal(size: Size, generator: np.random.Generator, roughness: float = 0.6, coarsest: int = 3) -> np.ndarray:
    """Return ``(H, W)`` float32 fractal noise in [0, 1]: octaves of smooth noise, each ``roughness`` times weaker."""
    total = np.zeros((size[1], size[0]), dtype=np.float32)
    cells, weight = coarsest, 1.0
    while cells < max(size):
        grid = generator.random((max(2, cells * size[1] // size[0] + 1), cells), dtype=np.float32)
        total += weight * np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC))
        cells, weight = cells * 2, weight * roughness
    return (total - total.min()) / max(float(np.ptp(total)), 1e-6)


def landscape(size: Size, generator: np.random.Generator) -> Image.Image:
    """Return mountain ridges with trees in front of a clouded sky."""
    width, height = 2 * size[0], 2 * size[1]
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = _colour(generator, (60, 100, 170), 40) * (1 - rows) + _colour(generator, (225, 190, 160), 30) * rows
    clouds = np.clip(fractal((width, height), generator) * 3 - 1.4, 0, 1)[..., None]
    canvas = sky * (1 - clouds) + 245 * clouds
    grain = fractal((width, height), generator, 0.95, 16)[..., None]
    for layer in range(4):
        profile = fractal((width, 2), generator, 0.55)[0]
        horizon = height * (0.3 + 0.17 * layer + 0.3 * (profile - 0.5))
        if layer >= 2:
            spikes = generator.random(width) ** 4
            horizon = horizon - height * 0.1 * np.maximum(spikes, 0.6 * np.roll(spikes, 1))
        base = _colour(generator, [(150, 150, 165), (110, 125, 120), (55, 95, 55), (45, 70, 30)][layer], 15)
        shade = 0.45 + 1.1 * np.roll(grain, 31 * layer, axis=1)
        below = np.arange(height)[:, None] >= horizon[None, :]
        canvas = np.where(below[..., None], base * shade, canvas)
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8)).reduce(2)


def night(size: Size, generator: np.random.Generator) -> Image.Image:
    """Return a dark sky with nebulae and a lit skyline, a background on which particles show."""
    width, height = 2 * size[0], 2 * size[1]
    glow = fractal((width, height), generator, 0.55)[..., None]
    canvas = Image.fromarray((glow * _colour(generator, (70, 50, 120), 50)).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    left = 0
    while left < width:
        wide, tall = int(generator.integers(16, 50)), int(generator.integers(height // 5, int(height * 0.7)))
        wall = tuple(int(v) for v in generator.integers(20, 70, 3))
        draw.rectangle((left, height - tall, left + wide, height), fill=wall)
        for x in range(left + 3, left + wide - 4, 8):
            for y in range(height - tall + 4, height - 4, 10):
                if generator.random() < 0.55:
                    draw.rectangle((x, y, x + 3, y + 5), fill=(255, int(generator.integers(170, 255)), 120))
        left += wide + 2
    return canvas.reduce(2)


def particles(size: Size, generator: np.random.Generator) -> list[Sprite]:
    """Return a shower of bright sparks or falling flakes."""
    sparks = generator.random() < 0.5
    shapes = [_dot(int(generator.integers(2, 5)), _bright(generator) if sparks else (245, 245, 255)) for _ in range(6)]
    source = generator.uniform(0.3, 0.7, 2) * size
    sprites = []
    for _ in range(70):
        if sparks:
            start, velocity, gravity = source, generator.normal(0, 2.0, 2) - (0, 1), 0.08
        else:
            start, velocity, gravity = generator.uniform(-0.4, 1, 2) * (*size,), generator.uniform(0.2, 2.4, 2), 0.0
        shape = shapes[int(generator.integers(len(shapes)))]
        sprites.append(Sprite(shape, tuple(start), tuple(velocity), gravity, phase=0.0))
    return sprites


def page(size: Size, generator: np.random.Generator) -> Image.Image:
    """Return a screen with windows, paragraphs of text, buttons and charts."""
    width, height = 2 * size[0], 2 * size[1]
    dark = generator.random() < 0.4
    paper, ink = ((28, 30, 36), (225, 225, 230)) if dark else ((248, 248, 245), (25, 25, 30))
    canvas = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(canvas)
    top = 0
    while top < height:
        accent = _bright(generator)
        tall = int(generator.integers(50, 110))
        draw.rectangle((4, top + 4, width - 6, top + 20), fill=accent)
        draw.text((10, top + 6), _words(generator, 3), font=_font(13), fill=paper)
        split = int(width * generator.uniform(0.35, 0.75))
        for y in range(top + 26, top + tall - 12, 15):
            draw.text((8, y), _words(generator, 12), font=_font(12), fill=ink)
        draw.rectangle((split, top + 22, width - 6, top + tall - 2), fill=paper, outline=ink)
        if generator.random() < 0.5:
            for x, value in enumerate(generator.random(40)):
                low = top + tall - 6
                bar = split + 6 + 9 * x
                draw.rectangle((bar, low - value * (tall - 34), bar + 5, low), fill=_bright(generator))
            draw.rectangle((width - 5, top, width, top + tall), fill=paper)
        else:
            for x in range(split + 8, width - 30, 34):
                for y in range(top + 28, top + tall - 24, 26):
                    draw.rounded_rectangle((x, y, x + 28, y + 20), 5, fill=_bright(generator), outline=ink)
        top += tall + 4
    return canvas.reduce(2)


def level(size: Size, generator: np.random.Generator) -> Image.Image:
    """Return the level of a game: rows of patterned tiles below a sky, drawn in blocks of two by two pixels."""
    columns, rows, side = -(-size[0] // 16) + 1, -(-size[1] // 16) + 1, 8
    sky, detail = _colour(generator, (90, 140, 220), 60), generator.integers(-70, 70, (4, side, side, 3))
    kinds = [_colour(generator, (120, 90, 60), 70) for _ in range(4)]
    ground = np.clip(rows - 2 - np.cumsum(generator.integers(-1, 2, columns)), rows // 3, rows - 1)
    canvas = np.empty((rows * side, columns * side, 3), dtype=np.float32)
    canvas[:] = sky * np.linspace(0.6, 1.1, rows * side)[:, None, None]
    for column in range(columns):
        for row in range(rows):
            floating = row == ground[column] - 3 and generator.random() < 0.4
            if row >= ground[column] or floating:
                kind = int(generator.integers(3)) if row > ground[column] else 3
                canvas[row * side : (row + 1) * side, column * side : (column + 1) * side] = kinds[kind] + detail[kind]
    blocks = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    return blocks.resize((columns * 16, rows * 16), Image.Resampling.NEAREST).crop((0, 0, *size))


def players(size: Size, generator: np.random.Generator) -> list[Sprite]:
    """Return the figures of a game: small block drawings that jump along the level."""
    sprites = []
    for _ in range(6):
        half = generator.integers(0, 2, (8, 4))
        shape = np.concatenate([half, half[:, ::-1]], axis=1).astype(bool)
        pixels = np.zeros((8, 8, 4), dtype=np.uint8)
        pixels[shape] = (*_bright(generator), 255)
        image = Image.fromarray(pixels).resize((16, 16), Image.Resampling.NEAREST)
        start = (generator.uniform(0.1, 0.9) * size[0], generator.uniform(0.3, 0.7) * size[1])
        sprites.append(
            Sprite(image, start, (generator.normal(0, 1.5), 0.0), swing=(0.0, generator.uniform(4, 14)), rate=0.25)
        )
    return sprites


def scoreboard(size: Size, generator: np.random.Generator) -> Image.Image:
    """Return the RGBA overlay of a game: score and energy bar."""
    overlay = Image.new("RGBA", (2 * size[0], 2 * size[1]))
    draw = ImageDraw.Draw(overlay)
    draw.text((6, 3), f"SCORE {generator.integers(10**6):06d}", font=_font(15), fill=(255, 255, 255, 255))
    energy = 0.25 + 0.15 * generator.random()
    draw.rectangle((2 * size[0] * 0.6, 6, 2 * size[0] * (0.6 + energy), 16), fill=(*_bright(generator), 255))
    return overlay.reduce(2)


@functools.cache
def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(height)


def _words(generator: np.random.Generator, count: int) -> str:
    letters = generator.choice(list("eeetttaaooinnsshrrdlucmfwypvbgk"), (count, 9))
    return " ".join("".join(word[: 2 + i % 3 * 3]) for i, word in enumerate(letters))


def _dot(radius: int, colour: Colour) -> Image.Image:
    image = Image.new("RGBA", (radius * 8, radius * 8), (*colour, 0))
    ImageDraw.Draw(image).ellipse((1, 1, radius * 8 - 2, radius * 8 - 2), fill=(*colour, 255))
    return image.reduce(4)


def _bright(generator: np.random.Generator) -> Colour:
    colour = generator.integers(20, 256, 3)
    colour[generator.integers(3)] = 240
    red, green, blue = (int(v) for v in colour)
    return red, green, blue


def _colour(generator: np.random.Generator, base: Colour, spread: int) -> np.ndarray:
    return np.clip(np.array(base) + generator.integers(-spread, spread + 1, 3), 0, 255).astype(np.float32)
