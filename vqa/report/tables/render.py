"""A filled table as Markdown, readable as plain text too, and as LaTeX.

Every row of ours is shown above the paper's; a row quoted from the literature is one line, in italics, and one that was
not run is the paper's line alone.
"""

from itertools import groupby

import pandas as pd

from vqa.report.tables.cells import ADDED, PROTOCOLS, row_key
from vqa.report.tables.layout import (
    EMPTY,
    Cell,
    Layout,
    body,
    in_paper,
    interval,
    is_filled,
    is_not_run,
    is_quoted,
    lay_out,
    notes,
    number,
    warnings,
    whose,
)
from vqa.report.tables.significance import Place
from vqa.report.wording import scale_warning
from vqa.settings.params import Common

ESCAPES = {
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{char: f"\\{char}" for char in "&%$#_{}"},
    **{"γ": r"$\gamma$", "–": "--", "<": r"$<$", ">": r"$>$"},
}
# What the only line of a row that nobody ran is called.
NOT_RUN = "paper, not run"
# Columns with an interval that fit the width of a page; more are scaled down to it.
WIDE = 4


def pipe_table(header: list[str], right: list[bool], rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table whose columns are padded, so that the source reads as a table as well.

    Args:
        header: text of each column's header.
        right: columns to align to the right.
        rows: texts of the cells.
    """
    escaped = [[text.replace("|", r"\|") for text in row] for row in [header, *rows]]
    widths = [max(3, *(len(row[i]) for row in escaped)) for i in range(len(header))]

    def line(row: list[str]) -> str:
        padded = [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(row, widths, right, strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (w - 1)}:" if r else "-" * w for w, r in zip(widths, right, strict=True)]
    return [line(escaped[0]), f"| {' | '.join(rule)} |", *(line(row) for row in escaped[1:])]


def markdown_block(frame: pd.DataFrame, protocol: str) -> list[str]:
    """Lines of the Markdown table of one protocol, with all rows."""
    layout, lines = lay_out(frame), []
    for row, cells in body(frame, layout, protocol):
        if is_quoted(cells):
            lines.append([_italic(text) for text in (*row.labels, "quoted", *_values(cells))])
        elif is_not_run(cells):
            lines.append([*row.labels, NOT_RUN, *(number(cell["paper"]) for cell in cells)])
        else:
            lines += [[*row.labels, whose(cells), *_values(cells)], *_paper(layout, cells)]
    return _grid(layout, lines)


def markdown_digest(frame: pd.DataFrame, marks: dict[Place, str] | None = None) -> list[str]:
    """Lines of one Markdown table of both protocols, with the rows that have a number of ours; none without such.

    Args:
        frame: long form of the table.
        marks: what to set behind a value, see :func:`vqa.report.tables.significance.read_marks`.
    """
    layout, lines = lay_out(frame), []
    for rows in zip(*(body(frame, layout, protocol) for protocol in PROTOCOLS), strict=True):
        if not any(is_filled(cells) for _, cells in rows):
            continue
        labels: tuple[str, ...] = rows[0][0].labels
        for protocol, (_, cells) in zip(PROTOCOLS, rows, strict=True):
            lines.append([*labels, f"{whose(cells)}, {protocol}", *_values(cells, marks or {})])
            labels = tuple("" for _ in labels)
        lines += _paper(layout, rows[0][1])
    return _grid(layout, lines) if lines else []


def _grid(layout: Layout, lines: list[list[str]]) -> list[str]:
    """Texts of the rows below the headers of a table."""
    header, right = [*layout.labels, ""], [False] * (len(layout.labels) + 1)
    for column in layout.columns:
        one_set, test = column.group == column.metric, column.split == "test"
        text = f"{column.group} {column.header.lower() if one_set else column.header}"
        header.append(f"{text} [95 % interval]" if one_set and test else text)
        right.append(not test)
    return pipe_table(header, right, lines)


def _values(cells: list[Cell], marks: dict[Place, str] | None = None) -> list[str]:
    return [f"{number(cell['value'])}{(marks or {}).get(_place(cell), '')} {interval(cell)}".rstrip() for cell in cells]


def _place(cell: Cell) -> Place:
    key = row_key(cell["method"], cell["setting"])
    return cell["protocol"], key, cell["dataset"], cell["metric"], cell["split"]


def _paper(layout: Layout, cells: list[Cell]) -> list[list[str]]:
    """The paper's line below ours; none for a row that the paper does not have."""
    if not in_paper(cells):
        return []
    return [[*("" for _ in layout.labels), "paper", *(number(cell["paper"]) for cell in cells)]]


def _italic(text: str) -> str:
    return text if text in ("", EMPTY) else f"*{text}*"


def markdown(title: str, frame: pd.DataFrame, common: Common) -> str:
    """Page of one table: warning, one Markdown table per protocol, notes.

    Args:
        title: what the table is about, without its number.
        frame: long form, see :func:`vqa.report.tables.cells.fill`.
        common: the common block of params.
    """
    lines = [f"# {frame.table.iloc[0]}. {title}", "", f"**{scale_warning(common)}**", ""]
    lines += [line for warning in warnings(frame) for line in (f"**Warning:** {warning}", "")]
    for protocol in PROTOCOLS:
        lines += [f"## {protocol.capitalize()} protocol", "", *markdown_block(frame, protocol), ""]
    lines += ["## Notes", "", *(f"- {term}: {text}" for term, text in notes(frame, common).items())]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Plain text for LaTeX."""
    return "".join(ESCAPES.get(char, char) for char in text)


def latex(title: str, frame: pd.DataFrame, common: Common) -> str:
    """The table as a LaTeX float that needs ``booktabs`` and ``graphicx`` only; arguments as :func:`markdown`."""
    layout = lay_out(frame)
    labels, width = len(layout.labels) + 1, len(layout.labels) + 1 + len(layout.columns)
    groups = [(name, len(list(columns))) for name, columns in groupby(layout.columns, key=lambda c: c.group)]
    rules, first = [], labels + 1
    for _, span in groups:
        rules.append(f"\\cmidrule(lr){{{first}-{first + span - 1}}}")
        first += span
    number_of_it = f"the paper's {frame.table.iloc[0]}" if (frame.note != ADDED).any() else frame.table.iloc[0]
    caption = [
        f"\\textbf{{{escape(title)}}} ({escape(number_of_it)}).",
        f"\\textbf{{{escape(scale_warning(common))}.}}",
    ]
    caption += [f"\\textbf{{Warning:}} {escape(warning)}" for warning in warnings(frame)]
    caption += [f"{escape(term)}: {escape(text)}" for term, text in notes(frame, common).items()]
    spec = "l" * labels + "".join("l" if column.split == "test" else "r" for column in layout.columns)
    spanned = [f"\\multicolumn{{{span}}}{{c}}{{{escape(name)}}}" for name, span in groups]
    headers = [*map(escape, layout.labels), "", *(escape(column.header) for column in layout.columns)]
    wide = sum(column.split == "test" for column in layout.columns) > WIDE
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        *("\\begin{table*}[t]", "\\centering", "\\footnotesize", "\\setlength{\\tabcolsep}{4pt}"),
        "\\caption{" + "\n".join(caption) + "}",
        *(["\\resizebox{\\textwidth}{!}{%"] if wide else []),
        *(f"\\begin{{tabular}}{{{spec}}}", "\\toprule"),
        " & ".join([*[""] * labels, *spanned]).lstrip() + r" \\",
        "".join(rules),
        " & ".join(headers) + r" \\",
    ]
    for protocol in PROTOCOLS:
        lines += ["\\midrule", f"\\multicolumn{{{width}}}{{l}}{{\\emph{{{protocol.capitalize()} protocol}}}} \\\\"]
        lines += latex_rows(layout, frame, protocol)
    end = "\\end{tabular}}" if wide else "\\end{tabular}"
    return "\n".join([*lines, "\\bottomrule", end, "\\end{table*}"]) + "\n"


def latex_rows(layout: Layout, frame: pd.DataFrame, protocol: str) -> list[str]:
    """Lines of the body of one protocol: ours and the paper's of every row of ours, one line of a quoted row."""
    lines, above = [], None
    for row, cells in body(frame, layout, protocol):
        quoted = is_quoted(cells)
        if above not in (None, quoted):
            lines.append("\\addlinespace")
        above = quoted
        labels, values = [escape(label) for label in row.labels], [_math(cell["value"]) for cell in cells]
        if quoted:
            texts = (f"\\textit{{{text}}}" if text else "" for text in (*labels, "quoted", *values))
            lines.append(" & ".join(texts) + r" \\")
            continue
        ours = [f"{value} {_small(interval(cell))}".rstrip() for value, cell in zip(values, cells, strict=True)]
        paper = [_math(cell["paper"]) for cell in cells]
        if is_not_run(cells):
            lines.append(" & ".join([*labels, NOT_RUN, *paper]) + r" \\")
            continue
        lines.append(" & ".join([*labels, whose(cells), *ours]) + r" \\")
        if in_paper(cells):
            lines.append(" & ".join([*("" for _ in labels), "paper", *paper]).lstrip() + r" \\")
    return lines


def _math(value: float) -> str:
    return escape(number(value)).replace("-0", "$-$0") if value < 0 else escape(number(value))


def _small(text: str) -> str:
    return f"{{\\scriptsize {text.replace('-', '$-$')}}}" if text else ""
