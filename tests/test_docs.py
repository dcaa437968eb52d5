"""README and docs: links lead somewhere, what is named exists, and the main claims stand as the results have them."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml
from project import ROOT

from vqa.cli.app import app
from vqa.report.verdicts.rules import VERDICTS

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# What only a build makes: nothing of it is there in a fresh clone.
BUILT = tuple(
    f"reports/{name}" for name in ("README", "claims.csv", "verdicts", "tables", "figures", "site", "statistics")
)
# Ids of discrepancies. Those of runs have two digits (D01), and a group of one letter alone is not one.
ID = re.compile(r"\b(?:(?:DO|DS|PV|[PWFSLDBVZQ])[1-9]\d?|T-[a-o])\b")
names = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def code(page: Path) -> list[str]:
    """Every line of code of a page: those of blocks, without comments, and what stands between backticks."""
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(), flags=re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [*lines, *re.findall(r"`([^`\n]+)`", prose(page))]


def anchors(page: Path) -> set[str]:
    """Where links into a page can lead, as code hosts name its headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def params_of(scale: str) -> dict:
    return yaml.safe_load((ROOT / scale / "params.yaml").read_text())


def paths_of(content: object, name: str = "") -> set[str]:
    """Every dotted name in params, of blocks and of values."""
    if not isinstance(content, dict):
        return {name}
    inner = (paths_of(value, f"{name}.{key}") for key, value in content.items())
    return {name}.union(*inner)


@names
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target in LINK.findall(prose(page)):
        place, _, anchor = target.partition("#")
        if ":" in place:
            continue
        file = page if not place else (page.parent / place)
        assert file.exists(), f"{page.name}: {target}"
        assert file.resolve().is_relative_to(ROOT)
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


@names
def test_every_command_and_option_is_there(page):
    commands = typer.main.get_command(app).commands
    for line in code(page):
        for words in re.findall(r"(?:^|[ /])vqa ((?:[a-zA-Z-][^|;&]*)?)", line):
            name, *rest = shlex.split(words) or [""]
            if name.startswith("-"):
                assert name in ("--help", "--install-completion"), f"{page.name}: {line}"
                continue
            if name.isupper():
                continue  # vqa COMMAND
            assert name in commands, f"{page.name}: {line}"
            known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
            options = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert options <= known, f"{page.name}: {line}: {options - known}"


@names
def test_every_target_of_make_and_every_module_is_there(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for line in code(page):
        for words in re.findall(r"^make ([a-z ]+)", line):
            assert set(words.split()) <= targets, f"{page.name}: {line}"
        for module in re.findall(r"python -m (stages\.[a-z_]+|vqa[.a-z_]*)", line):
            path = ROOT / module.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").is_file(), f"{page.name}: {line}"


@names
def test_every_file_of_the_project_that_is_named_is_there(page):
    for name in code(page):
        ours = re.fullmatch(r"(?:vqa|stages|tests|docs|paper|real|reports|results)/[\w./-]*", name)
        if ours and not name.startswith((*BUILT, "real/reports")) and name != "vqa/methods/toy.py":
            assert (ROOT / name).exists(), f"{page.name}: {name}"


@names
def test_every_stage_that_is_named_is_in_the_graph(page):
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    of_stage = {"fetch": "datasets", "prepare": "datasets", "train": "runs", "evaluate": "runs", "landscape": "runs"}
    params = params_of(".")
    for line in code(page):
        for stage, key in re.findall(r"\b([a-z_]+)@([\w-]+)", line):
            assert stage in graph, f"{page.name}: {line}"
            assert key.isupper() or key in params[of_stage[stage]], f"{page.name}: {line}"


@names
def test_tables_have_as_many_cells_in_every_row(page):
    for block in re.findall(r"(?:^\|.*\n)+", prose(page), flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block[:80]


def test_the_readme_is_short_and_its_pictures_are_results():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    assert all(picture.startswith("results/") for picture in pictures)


def test_the_readme_says_of_the_main_claims_what_the_results_say():
    """Every main claim, in their order, with the verdicts of both scales."""
    verdict = f"({'|'.join(VERDICTS)})"
    text = (ROOT / "README.md").read_text()
    rows = re.findall(rf"^\| (.+?) \| {verdict} \| {verdict} \|$", text, flags=re.MULTILINE)
    for place, scale in enumerate(("real", "demo"), start=1):
        page = (ROOT / "results" / scale / "verdicts.md").read_text()
        section = page.partition("## The main claims")[2].partition("\n## ")[0]
        # The source after a claim, Figures 2(d) and 4 for example, may have brackets itself.
        found = re.findall(rf"^- (.+?) \((?:[^()]|\([^()]*\))*\): \*\*{verdict}\*\*", section, flags=re.MULTILINE)
        assert len(found) > 5
        assert [(row[0], row[place]) for row in rows] == found, scale


def test_parameters_that_a_discrepancy_names_are_there():
    """A name may begin inside of params, and a star stands for one key or several."""
    known = paths_of(params_of("."))
    cells = re.findall(r"^\|(?:[^|]*\|){2}([^|]*)\|", prose(ROOT / "docs" / "discrepancies.md"), flags=re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([a-z_*]+(?:\.[a-z_*]+)+)`", cell)}
    assert len(named) > 8
    for name in named - {name for name in named if name.endswith(".py")}:
        pattern = re.compile(r".*\." + name.replace(".", r"\.").replace("*", ".+"))
        assert any(pattern.fullmatch(path) for path in known), name


def test_every_discrepancy_that_the_code_names_is_described():
    described = set(
        ID.findall(" ".join(re.findall(r"^\| ([^|]+) \|", prose(ROOT / "docs" / "discrepancies.md"), re.M)))
    )
    sources = [*(ROOT / "vqa").rglob("*.py"), *(ROOT / "stages").glob("*.py"), ROOT / "reports" / "claims.yaml"]
    sources += [ROOT / scale / "params.yaml" for scale in (".", "real", "paper", "study")]
    for source in sources:
        # In prose alone: in brackets, after the word, or as P1-P3; L1 is the name of a loss too, and described.
        for group in re.findall(
            r"(?:[Dd]iscrepanc(?:y|ies) |\()((?:DO|DS|PV|[PWFSLDBVZQ])\d[^):;.]*|T-[a-o][^):;.]*)", source.read_text()
        ):
            assert set(ID.findall(group)) <= described, f"{source.relative_to(ROOT)}: {group}"
