"""A contact sheet: one PNG that shows, for each data set, samples from the lowest to the highest MOS."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vqa.data.synthetic import encode

SAMPLES = 8
TILE = (216, 150)
GAP, HEADER, FOOTER, MARGIN = 14, 44, 26, 24
PAPER, INK, MUTED, BED = (250, 250, 248), (28, 28, 32), (120, 120, 126), (232, 232, 228)


def contact_sheet(dataset_dirs: Mapping[str, Path], out: Path) -> None:
    """Write the contact sheet of built data sets to ``out`` (PNG).

    Each data set is one row: its name, number of items and range of MOS, then :data:`SAMPLES` frames (the middle frame
    of a clip, as displayed) whose MOS are spread evenly from the lowest to the highest, with MOS below.

    Args:
        dataset_dirs: folder made by :func:`vqa.data.synthetic.build.build`, by name, in the order of rows.
        out: path of the PNG to write.

    Raises:
        ValueError: if no data set is given.
    """
    if not dataset_dirs:
        raise ValueError("contact_sheet needs at least one data set")
    row_height = HEADER + TILE[1] + FOOTER + GAP
    width = 2 * MARGIN + SAMPLES * TILE[0] + (SAMPLES - 1) * GAP
    sheet = Image.new("RGB", (width, 2 * MARGIN + row_height * len(dataset_dirs) - GAP), PAPER)
    for row, (name, folder) in enumerate(dataset_dirs.items()):
        _draw_row(sheet, MARGIN + row * row_height, name, Path(folder))
    partial = Path(out).with_suffix(".partial.png")
    sheet.save(partial, "PNG")
    os.replace(partial, out)


def _draw_row(sheet: Image.Image, top: int, name: str, folder: Path) -> None:
    with (folder / "truth.csv").open(newline="") as file:
        truth = {row["name"]: row for row in csv.DictReader(file)}
    with (folder / "labels.csv").open(newline="") as file:
        labels = sorted(csv.DictReader(file), key=lambda row: float(row["mos"]))
    draw = ImageDraw.Draw(sheet)
    low, high = float(labels[0]["mos"]), float(labels[-1]["mos"])
    draw.text((MARGIN, top), name, font=ImageFont.load_default(24), fill=INK)
    kind = "videos" if labels[0]["name"].startswith("videos/") else "images"
    left = MARGIN + draw.textlength(name, font=ImageFont.load_default(24)) + 16
    note = f"{len(labels)} {kind}, MOS {low:.2f} to {high:.2f}, lowest on the left"
    draw.text((left, top + 8), note, font=ImageFont.load_default(15), fill=MUTED)
    opinions = np.array([float(row["mos"]) for row in labels])
    for column, target in enumerate(np.linspace(low, high, SAMPLES)):
        label = labels[int(np.abs(opinions - target).argmin())]
        frame = _middle_frame(folder / label["name"], truth[label["name"]])
        zoom = min(TILE[0] / frame.width, TILE[1] / frame.height)
        resample = Image.Resampling.NEAREST if zoom >= 1 else Image.Resampling.LANCZOS
        frame = frame.resize((round(frame.width * zoom), round(frame.height * zoom)), resample)
        x, y = MARGIN + column * (TILE[0] + GAP), top + HEADER
        draw.rectangle((x, y, x + TILE[0] - 1, y + TILE[1] - 1), fill=BED)
        sheet.paste(frame, (x + (TILE[0] - frame.width) // 2, y + (TILE[1] - frame.height) // 2))
        caption = f"{float(label['mos']):.2f}"
        draw.text((x, y + TILE[1] + 4), caption, font=ImageFont.load_default(17), fill=INK)
        info = f"{truth[label['name']]['codec']} {truth[label['name']]['width']}x{truth[label['name']]['height']}"
        draw.text((x + TILE[0] - 1, y + TILE[1] + 6), info, font=ImageFont.load_default(13), fill=MUTED, anchor="ra")


def _middle_frame(file: Path, truth: Mapping[str, str]) -> Image.Image:
    if file.parent.name == "images":
        return Image.fromarray(encode.decode_image(file.read_bytes()))
    index = int(truth["n_frames"]) // 2
    frame = encode.decode_video(file.read_bytes(), [index], int(truth["rotation"]))[index]
    return Image.fromarray(np.ascontiguousarray(frame))
