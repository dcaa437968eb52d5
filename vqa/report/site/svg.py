"""Small plots as inline SVG, drawn here so that they show without a script.

Every mark that says something carries a ``<title>``: browsers show it on hover, and the script's read-out, for pointer
and keyboard, takes its text from there.
"""

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

# Least distance of the baselines of two direct labels, in pixels.
LABEL_PIXELS = 13
STEPS = (1, 2, 2.5, 5, 10)


def ticks(low: float, high: float, count: int = 5, whole: bool = False) -> list[float]:
    """Round numbers from ``low`` to ``high``, about ``count`` of them; ``whole``: integers."""
    rough = (high - low) / count
    size = 10 ** math.floor(math.log10(rough))
    steps = [step * size for step in STEPS if step * size >= rough * 0.999]
    step = max(1.0, next(step for step in steps if step == round(step) or step < 1)) if whole else steps[0]
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def spread(heights: Sequence[float], distance: float = LABEL_PIXELS) -> list[float]:
    """Heights of labels moved apart until none is closer to the next than ``distance``; the order stays."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved = [heights[i] for i in order]
    for _ in range(60):
        for i in range(len(moved) - 1):
            overlap = distance - (moved[i + 1] - moved[i])
            if overlap > 0:
                moved[i], moved[i + 1] = moved[i] - overlap / 2, moved[i + 1] + overlap / 2
    result = [0.0] * len(heights)
    for height, i in zip(moved, order, strict=True):
        result[i] = height
    return result


def padded(values: Iterable[float], share: float = 0.06) -> tuple[float, float]:
    """Range of the finite values with some room around; 0 to 1 if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * share or abs(low) * 0.1 or 1.0
    return low - room, high + room


class Plot:
    """One plot with linear axes.

    Args:
        x: range of the horizontal axis.
        y: range of the vertical axis.
        labels: texts of the two axes.
        size: width and height in pixels.
        right: room at the right, for direct labels.
        whole: only whole numbers are on the horizontal axis.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        labels: tuple[str, str],
        size: tuple[int, int] = (330, 220),
        right: int = 12,
        whole: bool = False,
    ) -> None:
        self.whole = whole
        self.ranges, self.labels, self.size = (x, y), labels, size
        self.box = (46, 10, size[0] - right, size[1] - 36)  # left, top, right, bottom
        self.marks: list[str] = []

    def x(self, value: float) -> float:
        """Horizontal position of a value."""
        (low, high), (left, _, right, _) = self.ranges[0], self.box
        return left + (value - low) / (high - low) * (right - left)

    def y(self, value: float) -> float:
        """Vertical position of a value."""
        (low, high), (_, top, _, bottom) = self.ranges[1], self.box
        return bottom - (value - low) / (high - low) * (bottom - top)

    def dot(self, x: float, y: float, kind: str, said: str, radius: float = 2.6) -> None:
        """A point of a class of the style sheet, with the text that it says."""
        if math.isfinite(x) and math.isfinite(y):
            place = f'cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius:g}"'
            self.marks.append(f'<circle class="{kind}" {place}><title>{escape(said)}</title></circle>')

    def line(self, xs: Sequence[float], ys: Sequence[float], kind: str) -> None:
        """A line through the points that are finite."""
        points = [f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]
        if points:
            self.marks.append(f'<polyline class="{kind}" points="{" ".join(points)}"/>')

    def level(self, y: float) -> None:
        """A quiet horizontal line across the plot, if the value is on it."""
        if self.ranges[1][0] <= y <= self.ranges[1][1]:
            left, _, right, _ = self.box
            self.marks.append(f'<path class="level" d="M{left},{self.y(y):.1f}H{right}"/>')

    def end_labels(self, labels: Sequence[tuple[float, str, str]]) -> None:
        """Names of lines at their right ends: value, text and class of each, moved apart where they would overlap."""
        for height, (_, text, kind) in zip(spread([self.y(y) for y, _, _ in labels]), labels, strict=True):
            place = f'x="{self.box[2] + 5}" y="{height + 4:.1f}"'
            self.marks.append(f'<text class="label {kind}" {place}>{escape(text)}</text>')

    def render(self, name: str) -> Markup:
        """The plot, with ``name`` as its text for who cannot see it."""
        left, top, right, bottom = self.box
        width, height = self.size
        parts = []
        for value in ticks(*self.ranges[1]):
            y = f"{self.y(value):.1f}"
            parts.append(f'<path class="grid" d="M{left},{y}H{right}"/>')
            parts.append(f'<text class="tick" x="{left - 5}" y="{y}" dy="4" text-anchor="end">{_tick(value)}</text>')
        for value in ticks(*self.ranges[0], whole=self.whole):
            x = f"{self.x(value):.1f}"
            parts.append(f'<text class="tick" x="{x}" y="{bottom + 15}" text-anchor="middle">{_tick(value)}</text>')
        parts.append(f'<path class="axis" d="M{left},{bottom}H{right}"/>')
        middle = (left + right) / 2
        said_x, said_y = (escape(text) for text in self.labels)
        parts.append(f'<text class="name" x="{middle:.0f}" y="{height - 4}" text-anchor="middle">{said_x}</text>')
        turned = f"translate(11 {(top + bottom) / 2:.0f}) rotate(-90)"
        parts.append(f'<text class="name" transform="{turned}" text-anchor="middle">{said_y}</text>')
        head = f'class="plot" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        return Markup(f'<svg {head} aria-label="{escape(name)}">{"".join(parts + self.marks)}</svg>')


def interval_bar(
    value: float, low: float, high: float, limits: tuple[float, float], second: float = math.nan, width: int = 104
) -> Markup:
    """A value, its interval and a second value on one line, for a cell of a table; the zero line is shown.

    Args:
        value: the dot.
        low: lower end of the interval.
        high: upper end.
        limits: range of all rows of the table, so that they can be compared.
        second: a second value, as a tick.
        width: in pixels.
    """

    def x(number: float) -> str:
        share = (min(max(number, limits[0]), limits[1]) - limits[0]) / (limits[1] - limits[0])
        return f"{4 + share * (width - 8):.1f}"

    parts = [f'<path class="level" d="M{x(0)},0V14"/>']
    if math.isfinite(low) and math.isfinite(high):
        parts.append(f'<path class="range" d="M{x(low)},7H{x(high)}"/>')
    if math.isfinite(second):
        parts.append(f'<path class="second" d="M{x(second)},2V12"/>')
    if math.isfinite(value):
        parts.append(f'<circle class="gap" cx="{x(value)}" cy="7" r="3"/>')
    head = f'class="bar" viewBox="0 0 {width} 14" width="{width}" height="14" aria-hidden="true"'
    return Markup(f"<svg {head}>{''.join(parts)}</svg>")


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")
