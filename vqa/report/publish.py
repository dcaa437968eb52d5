"""Pages of a built report that can be read where the code lies, without running anything: front page, verdicts, tables.

The folder holds Markdown, figures as SVG and the contact sheet, and no link that leads out of it. Every page names the
lock that it was made from.
"""

import os
import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from vqa.io import InputError

PAGES = ("README.md", "verdicts.md")
SHEET = "contact_sheet"
# Of `vqa certify`, which writes it beside the pages.
CERTIFICATE = "certificate.md"
# A link or image of Markdown: its sign, its text and its target.
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
QUALITY = 85


def publish(reports: Path, out: Path, scale: str, digest: str) -> list[Path]:
    """Write the readable part of a report; an older one is replaced when the new one is complete.

    A certificate that lies there stays if it is of the same lock; one of another lock says nothing of these pages.

    Args:
        reports: folder of a built report, up to date.
        out: folder to write.
        scale: name of the scale.
        digest: of the lock that says what the report was made from.

    Returns:
        The files, as they lie below ``out``.

    Raises:
        InputError: if a page is missing.
    """
    for name in PAGES:
        if not (reports / name).is_file():
            raise InputError(f"{reports / name} is missing: `vqa repro --scale {scale}` first")
    draft, old = (out.with_name(f".{out.name}.{os.getpid()}.{kind}") for kind in ("part", "old"))
    try:
        pages = [reports / name for name in PAGES] + sorted((reports / "tables").glob("*.md"))
        figures = sorted((reports / "figures").glob("*.svg"))
        for path in (*pages, *figures):
            (draft / path.relative_to(reports)).parent.mkdir(parents=True, exist_ok=True)
        for path in figures:
            shutil.copyfile(path, draft / path.relative_to(reports))
        if (reports / f"{SHEET}.png").is_file():
            with Image.open(reports / f"{SHEET}.png") as sheet:
                sheet.convert("RGB").save(draft / f"{SHEET}.jpg", quality=QUALITY)
        there = {path.relative_to(draft).as_posix() for path in _files(draft)}
        there |= {path.relative_to(reports).as_posix() for path in pages}
        for path in pages:
            place = path.relative_to(reports)
            text = page(path.read_text(encoding="utf-8"), place.as_posix(), there, scale, digest)
            (draft / place).write_text(text, encoding="utf-8")
        if (out / CERTIFICATE).is_file() and f"`{digest}`" in (out / CERTIFICATE).read_text(encoding="utf-8"):
            shutil.copyfile(out / CERTIFICATE, draft / CERTIFICATE)
        if out.exists():
            os.replace(out, old)
        out.parent.mkdir(parents=True, exist_ok=True)
        os.replace(draft, out)
    finally:
        for folder in (draft, old):
            shutil.rmtree(folder, ignore_errors=True)
    return sorted(path.relative_to(out) for path in _files(out))


def page(text: str, name: str, there: set[str], scale: str, digest: str) -> str:
    """A page of the report for its place in the published folder.

    Args:
        text: Markdown; its first line is its heading.
        name: path of the page in the folder.
        there: paths of all files in the folder.
        scale: name of the scale.
        digest: of the lock.

    Returns:
        The page with a line below its heading that says what it was made from. Images are those that are published;
        what is linked and not published keeps its text alone.
    """

    def link(match: re.Match[str]) -> str:
        sign, label, target = match.groups()
        place, hash_, anchor = target.partition("#")
        if ":" in place or not place:
            return match[0]
        for other in (place, *(str(Path(place).with_suffix(suffix)) for suffix in (".svg", ".jpg") if sign)):
            if posixpath.normpath(posixpath.join(posixpath.dirname(name), other)) in there:
                return f"{sign}[{label}]({other}{hash_}{anchor})"
        return label

    # The site is not published, and nothing is to be clicked and hovered here.
    kept = "".join(line for line in text.splitlines(keepends=True) if "](site/" not in line)
    heading, _, rest = LINK.sub(link, kept).partition("\n")
    made = f"*Results of scale `{scale}`, made from the `dvc.lock` with SHA-256 `{digest}` by `make publish`.*"
    return f"{heading}\n\n{made}\n{rest}"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
