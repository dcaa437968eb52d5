"""A contact sheet: one PNG that shows, for each data set, samples from the lowest to the highest MOS."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vqa.data.items import FEATURES, PreparedDataset
from vqa.io import atomic

SAMPLES = 8
TILE = (216, 150)
BINS = 48
GAP, HEADER, FOOTER, MARGIN = 14, 44, 26, 24
PAPER, INK, MUTED, BED, BARS = (250, 250, 248), (28, 28, 32), (120, 120, 126), (232, 232, 228), (150, 150, 156)


def contact_sheet(datasets: Mapping[str, PreparedDataset], out: Path) -> None:
    """Write the contact sheet of prepared data sets to ``out`` (PNG).

    Each data set is one row: its title, number of items and range of MOS, then :data:`SAMPLES` frames (the middle
    frame of an item) whose MOS are spread evenly from the lowest to the highest, with MOS, codec and size below; of a
    data set without frames, the histogram of its MOS.

    Args:
        datasets: data sets by title, in the order of rows.
        out: path of the PNG to write.

    Raises:
        ValueError: if no data set is given.
    """
    if not datasets:
        raise ValueError("contact_sheet needs at least one data set")
    row_height = HEADER + TILE[1] + FOOTER + GAP
    width = 2 * MARGIN + SAMPLES * TILE[0] + (SAMPLES - 1) * GAP
    sheet = Image.new("RGB", (width, 2 * MARGIN + row_height * len(datasets) - GAP), PAPER)
    for row, (title, dataset) in enumerate(datasets.items()):
        _draw_row(sheet, MARGIN + row * row_height, title, dataset)
    with atomic(out) as draft:
        sheet.save(draft, "PNG")


def _draw_row(sheet: Image.Image, top: int, title: str, dataset: PreparedDataset) -> None:
    items = dataset.items("all")
    opinions = np.array([item.mos for item in items])
    low, high = opinions.min(), opinions.max()
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, top), title, font=ImageFont.load_default(24), fill=INK)
    left = MARGIN + draw.textlength(title, font=ImageFont.load_default(24)) + 16
    kind = "images" if max(item.n_frames for item in items) == 1 else "videos"
    note = f"{len(items)} {kind}, MOS {low:.2f} to {high:.2f}, lowest on the left"
    draw.text((left, top + 8), note, font=ImageFont.load_default(15), fill=MUTED)
    if items[0].codec == FEATURES:
        _draw_histogram(draw, top + HEADER, opinions)
        return
    for column, target in enumerate(np.linspace(low, high, SAMPLES)):
        item = items[int(np.abs(opinions - target).argmin())]
        frame = Image.fromarray(dataset.frames(item, np.array([item.n_frames // 2]))[0])
        zoom = min(TILE[0] / frame.width, TILE[1] / frame.height)
        resample = Image.Resampling.NEAREST if zoom >= 1 else Image.Resampling.LANCZOS
        frame = frame.resize((round(frame.width * zoom), round(frame.height * zoom)), resample)
        x, y = MARGIN + column * (TILE[0] + GAP), top + HEADER
        draw.rectangle((x, y, x + TILE[0] - 1, y + TILE[1] - 1), fill=BED)
        sheet.paste(frame, (x + (TILE[0] - frame.width) // 2, y + (TILE[1] - frame.height) // 2))
        draw.text((x, y + TILE[1] + 4), f"{item.mos:.2f}", font=ImageFont.load_default(17), fill=INK)
        info = f"{item.codec} {item.width}x{item.height}"
        draw.text((x + TILE[0] - 1, y + TILE[1] + 6), info, font=ImageFont.load_default(13), fill=MUTED, anchor="ra")


def _draw_histogram(draw: ImageDraw.ImageDraw, top: int, opinions: np.ndarray) -> None:
    """How the MOS are spread, for a data set of labels and features that has no frames here."""
    counts, edges = np.histogram(opinions, BINS)
    width = (SAMPLES * TILE[0] + (SAMPLES - 1) * GAP) / BINS
    for place, (count, low, high) in enumerate(zip(counts, edges, edges[1:], strict=False)):
        x, height = MARGIN + place * width, round(TILE[1] * count / counts.max())
        draw.rectangle((x, top + TILE[1] - height, x + width - 2, top + TILE[1]), fill=BARS)
        if place % 8 == 0:
            said = f"{low:.2f} to {high:.2f}"
            draw.text((x, top + TILE[1] + 6), said, font=ImageFont.load_default(13), fill=MUTED)
