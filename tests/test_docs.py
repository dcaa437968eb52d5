"""README and docs: every link leads somewhere, every command that they name exists, and the README is short."""

import re
from pathlib import Path

import pytest
import yaml
from project import ROOT

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
names = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def anchors(page: Path) -> set[str]:
    """Where links into a page can lead, as code hosts name its headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@names
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target in LINK.findall(page.read_text()):
        place, _, anchor = target.partition("#")
        if ":" in place:
            continue
        file = page if not place else (page.parent / place)
        assert file.exists(), f"{page.name}: {target}"
        assert file.resolve().is_relative_to(ROOT)
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


@names
def test_every_command_is_there(page):
    text = page.read_text()
    commands = set(re.findall(r"(?:`|^)vqa ([a-z]+)", text, flags=re.MULTILINE))
    assert commands <= {path.stem for path in (ROOT / "vqa" / "cli").glob("*.py")}, page.name
    targets = set(re.findall(r"`make ([a-z]+)", text))
    assert targets <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)), page.name
    for module in re.findall(r"python -m (stages\.[a-z_]+|vqa[.a-z_]*)", text):
        path = ROOT / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), f"{page.name}: {module}"


@names
def test_tables_have_as_many_cells_in_every_row(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block[:80]


def test_the_readme_is_short_and_its_pictures_are_results():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    assert all(picture.startswith("results/") for picture in pictures)


def test_parameters_that_a_discrepancy_names_are_there():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    page = (ROOT / "docs" / "discrepancies.md").read_text()
    named = [name for name in re.findall(r"`((?:common|methods|datasets)\.[a-z_.]+)`", page) if "*" not in name]
    assert len(named) > 5
    for name in named:
        place = params
        for key in name.split("."):
            assert key in place, name
            place = place[key]
