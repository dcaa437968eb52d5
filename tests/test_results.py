"""The results in git: of the committed lock, small, and every link in them leads somewhere."""

import re

import pytest
from project import ROOT

from vqa.io import file_digest

LOCKS = {"demo": ROOT / "dvc.lock", "real": ROOT / "real" / "dvc.lock"}
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("scale", LOCKS)
def test_every_page_names_the_committed_lock(scale):
    pages = sorted((ROOT / "results" / scale).rglob("*.md"))
    assert {"README.md", "verdicts.md"} <= {page.name for page in pages}
    assert len(pages) > 10
    said = f"*Results of scale `{scale}`, made from the `dvc.lock` with SHA-256 `{file_digest(LOCKS[scale])[:12]}`"
    stale = [page.name for page in pages if not page.read_text().splitlines()[2].startswith(said)]
    assert not stale, f"{stale} are not of the committed lock: `make publish` after `make repro real`"


def test_every_link_leads_to_a_file_that_is_there():
    for page in (ROOT / "results").rglob("*.md"):
        for target in LINK.findall(page.read_text()):
            place = target.partition("#")[0]
            if place and ":" not in place:
                assert (page.parent / place).is_file(), f"{page.relative_to(ROOT)}: {target}"
                assert (page.parent / place).resolve().is_relative_to(ROOT / "results")


def test_they_are_small_and_name_no_place_of_a_machine():
    files = [path for path in (ROOT / "results").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8 * 2**20
    for path in files:
        if path.suffix in (".md", ".svg"):
            assert not re.search(r"/(home|root|tmp|Users)/", path.read_text()), path
