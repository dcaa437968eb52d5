"""Numbers and texts on a page: rounding, safe JSON inside HTML, and the few names that all pages share."""

import json
import math
from typing import Any

from markupsafe import Markup

from vqa.report.tables.layout import EMPTY

# Characters that could end a <script> element or start a comment in it; JSON reads their escapes as the same text.
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def significant(value: float, digits: int = 4) -> float | None:
    """``value`` with so many significant digits; None where there is no number, for JSON has none."""
    value = float(value)
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def json_script(content: Any) -> Markup:
    """JSON that may stand inside ``<script type="application/json">``, whatever texts it holds."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char, escaped in UNSAFE.items():
        text = text.replace(char, escaped)
    return Markup(text)


def decimals(value: float | None, places: int = 3) -> str:
    """A number with a true minus sign, or a dash where there is none."""
    if value is None or math.isnan(value):
        return EMPTY
    text = f"{value:.{places}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{places}f}"


def signed(value: float | None, places: int = 3) -> str:
    """A difference: always with its sign."""
    text = decimals(value, places)
    return text if text == EMPTY or text[0] == "−" or not float(text) else f"+{text}"


def bounds(low: float, high: float, places: int = 3) -> str:
    """``[low, high]``, or nothing."""
    return "" if math.isnan(low) or math.isnan(high) else f"[{decimals(low, places)}, {decimals(high, places)}]"


def compact(value: float | None, digits: int = 3) -> str:
    """A number of unknown size in few characters, as 0.00123 or 4.1e+05."""
    if value is None or math.isnan(value):
        return EMPTY
    return f"{value:.{digits}g}".replace("-", "−")


def probability(value: float) -> str:
    """``p = 0.032``, or ``p < 0.001`` where more digits would claim too much."""
    if math.isnan(value):
        return "p not defined"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def short_name(run: str) -> str:
    """The id that a run's name begins with, ``A15`` of ``A15-fastvqa-konvid1k-awp1e-4``."""
    return run.partition("-")[0]


def unique_short_names(runs: list[str]) -> dict[str, str]:
    """Short names of all runs where they tell the runs apart, else their whole names."""
    short = {run: short_name(run) for run in runs}
    return short if len(set(short.values())) == len(runs) else {run: run for run in runs}


def slug(text: str) -> str:
    """A text as an id of HTML: letters, digits and hyphens."""
    return "-".join("".join(char.lower() if char.isalnum() and char.isascii() else " " for char in text).split())
