"""The paper's claims as statements that numbers can decide: the schema of ``reports/claims.yaml``, and its only reader.

A claim says in our own words what the paper says, and which statement about rows of its tables it amounts to. The kind
of a statement is one of :data:`KINDS`; every table, row and data set that it names must be in the paper.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vqa.report.verdicts.evidence import METRICS, Printed
from vqa.settings.strict import ParamsError, build, known_name, one_of

SPLITS = ("train", "test", "gap")


@dataclass(frozen=True)
class Compared:
    """Pairs of rows ``[a, b]`` of the same table, on the same items.

    Attributes:
        kind: ``greater`` (a above b), ``smaller`` (a below b), ``same`` (no difference that matters) or ``not_above``
            (a has no gain over b that matters).
        tables: tables, each with all of the rows.
        pairs: rows to compare.
        split: ``test``, ``train`` or ``gap``.
        datasets: the paper's names of test sets; empty for all of a table.
        metrics: ``SRCC``, ``PLCC``.
        at_least: smallest difference that the claim speaks of.
        parts: ``every`` comparison has to hold, or ``some`` ("up to").
    """

    kind: str
    tables: tuple[str, ...]
    pairs: tuple[tuple[str, ...], ...]
    split: str = "test"
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = METRICS
    at_least: float = 0.0
    parts: str = "every"

    def __post_init__(self) -> None:
        _check_pairs(self.pairs)
        one_of("split", self.split, SPLITS)
        one_of("parts", self.parts, ("every", "some"))
        if self.at_least < 0 or (self.at_least and self.kind not in ("greater", "smaller")):
            raise ValueError("at_least must be positive, and is for kinds greater and smaller")


@dataclass(frozen=True)
class Best:
    """``row`` has the largest test value of its table, on every data set and by every metric."""

    kind: str
    tables: tuple[str, ...]
    row: str
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = METRICS


@dataclass(frozen=True)
class Across:
    """Each of ``rows`` has the larger test value in ``table``, the same row of ``other`` the smaller one."""

    kind: str
    table: str
    other: str
    rows: tuple[str, ...]
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = METRICS


@dataclass(frozen=True)
class Gap:
    """Train minus test is at least ``at_least`` in every one of ``rows``."""

    kind: str
    tables: tuple[str, ...]
    rows: tuple[str, ...]
    at_least: float
    metrics: tuple[str, ...] = METRICS


@dataclass(frozen=True)
class Epochs:
    """About the course of the trainings that fill ``row`` of ``tables``.

    ``grows``: the gap grows with the epochs; ``sharpens``: the last weights are sharper than the first that were kept;
    ``together``: gap and sharpness are correlated over the epochs.
    """

    kind: str
    tables: tuple[str, ...]
    row: str
    metrics: tuple[str, ...] = METRICS


@dataclass(frozen=True)
class Sharpness:
    """Pairs of rows ``[a, b]``: ``flatter`` (a below b), or ``as_sharp`` (a within the share ``within`` of b)."""

    kind: str
    tables: tuple[str, ...]
    pairs: tuple[tuple[str, ...], ...]
    within: float = 0.0

    def __post_init__(self) -> None:
        _check_pairs(self.pairs)
        if (self.within > 0) != (self.kind == "as_sharp"):
            raise ValueError("within must be positive for kind as_sharp, and is for it alone")


@dataclass(frozen=True)
class Order:
    """The order of ``rows`` of ``table`` by sharpness is their order by gap."""

    kind: str
    table: str
    rows: tuple[str, ...]
    metrics: tuple[str, ...] = METRICS


@dataclass(frozen=True)
class Correlation:
    """Over the runs of each of ``groups`` (names in ``sharpness_gap.csv``), sharper ones have the larger gap.

    ``at_least`` is the rank correlation that the claim's words stand for, above 0 where they say "strongly".
    """

    kind: str
    groups: tuple[str, ...]
    metrics: tuple[str, ...] = METRICS
    at_least: float = 0.0


Statement = Compared | Best | Across | Gap | Epochs | Sharpness | Order | Correlation
KINDS: dict[str, type] = {
    **dict.fromkeys(("greater", "smaller", "same", "not_above"), Compared),
    **{"best": Best, "across": Across, "gap": Gap, "order": Order, "correlation": Correlation},
    **dict.fromkeys(("grows", "sharpens", "together"), Epochs),
    **dict.fromkeys(("flatter", "as_sharp"), Sharpness),
}


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes:
        source: where the paper makes it: ``Table 5``, ``Figure 2(d)``, ``text``.
        title: the claim in a few words.
        says: what the paper says, in our words.
        statement: what is tested.
        note: what a reader must know, with the name of the discrepancy (P3, ...).
        main: whether it is one of the few that the paper stands for; those are answered first.
    """

    source: str
    title: str
    says: str
    statement: Statement
    note: str = ""
    main: bool = False


def read_claims(path: Path, printed: Printed) -> dict[str, Claim]:
    """Read and check the claims, by id, in the order of the file.

    Args:
        path: ``reports/claims.yaml``.
        printed: the paper's numbers.

    Raises:
        ParamsError: in one line, with the place, for an unknown kind, key, table, row, data set or metric, a missing
            key or a wrong type.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    claims = {}
    for name, block in build(dict[str, dict[str, Any]], content, path.name).items():
        where = f"{path.name}: {name}"
        plain = build(_Plain, block, where)
        statement = _read_statement(plain.statement, f"{where}.statement", printed)
        claims[str(name)] = Claim(plain.source, plain.title, plain.says, statement, plain.note, plain.main)
    return claims


@dataclass(frozen=True)
class _Plain:
    """A claim before its statement is read."""

    source: str
    title: str
    says: str
    statement: dict[str, Any]
    note: str = ""
    main: bool = False


def _read_statement(block: dict[str, Any], where: str, printed: Printed) -> Statement:
    if "kind" not in block:
        raise ParamsError(f"{where}: missing key 'kind'")
    known_name(f"{where}.kind", str(block["kind"]), KINDS)
    statement: Statement = build(KINDS[block["kind"]], block, where)
    for field in dataclasses.fields(statement):
        value = getattr(statement, field.name)
        if isinstance(value, tuple) and not value and field.name != "datasets":
            raise ParamsError(f"{where}.{field.name}: must not be empty")
    for metric in statement.metrics if hasattr(statement, "metrics") else ():
        known_name(f"{where}.metrics", metric, METRICS)
    for table in tables_of(statement):
        known_name(f"{where}.tables", table, printed.names(0))
        for row in rows_of(statement):
            known_name(f"{where}.rows", row, printed.names(1, table))
        for dataset in getattr(statement, "datasets", ()):
            known_name(f"{where}.datasets", dataset, printed.names(2, table))
        known_name(f"{where}.split", getattr(statement, "split", "test"), printed.names(4, table))
    return statement


def tables_of(statement: Statement) -> tuple[str, ...]:
    """The tables that a statement is about; none for one about groups of runs."""
    if isinstance(statement, Correlation):
        return ()
    if isinstance(statement, Across):
        return (statement.table, statement.other)
    return statement.tables if hasattr(statement, "tables") else (statement.table,)


def rows_of(statement: Statement) -> tuple[str, ...]:
    """The rows that a statement names."""
    if isinstance(statement, Compared | Sharpness):
        return tuple(dict.fromkeys(row for pair in statement.pairs for row in pair))
    if isinstance(statement, Best | Epochs):
        return (statement.row,)
    return getattr(statement, "rows", ())


def describe(statement: Statement) -> str:
    """The statement in one line, as in the file: its kind and what it is about."""
    parts = []
    for field in dataclasses.fields(statement):
        value = getattr(statement, field.name)
        if field.name != "kind" and value != field.default:
            parts.append(f"{field.name}: {_plain(value)}")
    return f"{statement.kind} ({'; '.join(parts)})"


def _plain(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return ", ".join(f"{v[0]} vs {v[1]}" if isinstance(v, tuple) else str(v) for v in value)


def _check_pairs(pairs: tuple[tuple[str, ...], ...]) -> None:
    for pair in pairs:
        if len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(f"pairs: {list(pair)} must be two different rows")
