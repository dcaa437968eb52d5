"""A filled table as Markdown, readable as plain text too, and as LaTeX; every row shows ours above the paper's."""

from itertools import groupby

import pandas as pd

from vqa.params import Common
from vqa.report.layout import Layout, cells, interval, lay_out, notes, number, warnings
from vqa.report.tables import PROTOCOLS
from vqa.report.wording import scale_warning

ESCAPES = {
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{char: f"\\{char}" for char in "&%$#_{}"},
    **{"γ": r"$\gamma$", "–": "--", "<": r"$<$", ">": r"$>$"},
}


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
    """Lines of the Markdown table of one protocol."""
    layout, values = lay_out(frame), cells(frame, protocol)
    header, right = [*layout.labels, ""], [False] * (len(layout.labels) + 1)
    for column in layout.columns:
        test = column.split == "test"
        header.append(f"{column.group} {column.header.lower() if column.group == column.metric else column.header}")
        header[-1] += " [95 % interval]" if test else ""
        right.append(not test)
    rows = []
    for row in layout.rows:
        found = [values[row.method, row.setting, c.dataset, c.metric, c.split] for c in layout.columns]
        rows.append([*row.labels, "ours", *(f"{number(c['value'])} {interval(c)}".rstrip() for c in found)])
        rows.append([*("" for _ in row.labels), "paper", *(number(c["paper"]) for c in found)])
    return pipe_table(header, right, rows)


def markdown(title: str, frame: pd.DataFrame, common: Common) -> str:
    """Page of one table: warning, one Markdown table per protocol, notes.

    Args:
        title: what the table is about, without its number.
        frame: long form, see :func:`vqa.report.tables.fill`.
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
    """The table as a LaTeX float that needs the package ``booktabs`` only; arguments as :func:`markdown`."""
    layout = lay_out(frame)
    labels, width = len(layout.labels) + 1, len(layout.labels) + 1 + len(layout.columns)
    groups = [(name, len(list(columns))) for name, columns in groupby(layout.columns, key=lambda c: c.group)]
    rules, first = [], labels + 1
    for _, span in groups:
        rules.append(f"\\cmidrule(lr){{{first}-{first + span - 1}}}")
        first += span
    caption = [
        f"\\textbf{{{escape(title)}}} (the paper's {escape(frame.table.iloc[0])}).",
        f"\\textbf{{{escape(scale_warning(common))}.}}",
    ]
    caption += [f"\\textbf{{Warning:}} {escape(warning)}" for warning in warnings(frame)]
    caption += [f"{escape(term)}: {escape(text)}" for term, text in notes(frame, common).items()]
    spec = "l" * labels + "".join("l" if column.split == "test" else "r" for column in layout.columns)
    spanned = [f"\\multicolumn{{{span}}}{{c}}{{{escape(name)}}}" for name, span in groups]
    headers = [*map(escape, layout.labels), "", *(escape(column.header) for column in layout.columns)]
    lines = [
        "% needs \\usepackage{booktabs}",
        *("\\begin{table*}[t]", "\\centering", "\\footnotesize", "\\setlength{\\tabcolsep}{4pt}"),
        "\\caption{" + "\n".join(caption) + "}",
        *(f"\\begin{{tabular}}{{{spec}}}", "\\toprule"),
        " & ".join([*[""] * labels, *spanned]).lstrip() + r" \\",
        "".join(rules),
        " & ".join(headers) + r" \\",
    ]
    for protocol in PROTOCOLS:
        lines += ["\\midrule", f"\\multicolumn{{{width}}}{{l}}{{\\emph{{{protocol.capitalize()} protocol}}}} \\\\"]
        lines += latex_rows(layout, frame, protocol)
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table*}"]) + "\n"


def latex_rows(layout: Layout, frame: pd.DataFrame, protocol: str) -> list[str]:
    """Lines of the body of one protocol: two per row of the paper, ours and the paper's."""
    values, lines = cells(frame, protocol), []
    for row in layout.rows:
        found = [values[row.method, row.setting, c.dataset, c.metric, c.split] for c in layout.columns]
        ours = [f"{_math(c['value'])} {_small(interval(c))}".rstrip() for c in found]
        paper = [_math(c["paper"]) for c in found]
        lines.append(" & ".join([*map(escape, row.labels), "ours", *ours]) + r" \\")
        lines.append(" & ".join([*("" for _ in row.labels), "paper", *paper]).lstrip() + r" \\")
    return lines


def _math(value: float) -> str:
    return escape(number(value)).replace("-0", "$-$0") if value < 0 else escape(number(value))


def _small(text: str) -> str:
    return f"{{\\scriptsize {text.replace('-', '$-$')}}}" if text else ""
