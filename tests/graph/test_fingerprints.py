"""Fingerprints: what cannot change a result leaves them alone, everything that can changes them."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project import ROOT

from stages import fingerprints
from vqa.extract import extractor_module
from vqa.graph.fingerprints import code_digest, fingerprint, module_closure
from vqa.io import run_stage
from vqa.methods import method_module
from vqa.settings.params import load

MODULES = [path for package in ("vqa", "stages") for path in sorted((ROOT / package).rglob("*.py"))]

SOURCE = '''"""What it is."""

import math
from os import path as p


class Shape:
    """A shape."""

    sides: int = 4

    def area(self, a, b=2.0, *, scale=1):
        """Area of it."""
        # the formula
        text = "area"
        if a > 0 and b:
            return scale * a * b
        print(f"{text} {a:.2f}")
        return None
'''

COSMETIC = {
    "comment": ("# the formula", "# another formula"),
    "no comment": ("        # the formula\n", ""),
    "module docstring": ("What it is.", "What it was."),
    "class docstring": ("A shape.", "A shape of something.\n\n    At length.\n    "),
    "function docstring": ("Area of it.", "Its area."),
    "no docstring": ('        """Area of it."""\n', ""),
    "quotes": ('"area"', "'area'"),
    "parentheses": ("scale * a * b", "(scale * a) * b"),
    "line breaks": ("scale * a * b", "(\n                scale\n                * a * b\n            )"),
    "blank lines": ("        text = ", "\n\n        text = "),
    "indentation": ("            return scale", "                return scale"),
    "trailing comma": ("scale=1)", "scale=1,)"),
    "number format": ("2.0", "2.00"),
}

MEANING = {
    "constant": ("2.0", "2.1"),
    "type of a constant": ("scale=1", "scale=1.0"),
    "operator": ("a > 0", "a >= 0"),
    "order of operations": ("scale * a * b", "scale * (a * b)"),
    "and to or": ("and b", "or b"),
    "text": ('"area"', '"Area"'),
    "format": (":.2f", ":.3f"),
    "import": ("import math", "import cmath"),
    "imported name": ("path as p", "sep as p"),
    "class constant": ("sides: int = 4", "sides: int = 5"),
    "annotation": ("sides: int", "sides: float"),
    "keyword name": ("scale", "factor"),
    "keyword only": ("*, scale", "scale"),
    "decorator": ("    def area", "    @staticmethod\n    def area"),
    "base class": ("class Shape", "class Shape(dict)"),
    "dropped statement": ('        print(f"{text} {a:.2f}")\n', ""),
    "statement order": ('        text = "area"\n', '        pass\n        text = "area"\n'),
    "text that only looks like a docstring": ("import math\n", 'import math\n"""Not a docstring."""\n'),
    "async": ("    def area", "    async def area"),
}


@pytest.mark.parametrize("edit", COSMETIC)
def test_what_does_not_run_does_not_count(edit):
    old, new = COSMETIC[edit]
    assert old in SOURCE
    assert code_digest(SOURCE.replace(old, new)) == code_digest(SOURCE)


@pytest.mark.parametrize("edit", MEANING)
def test_whatever_runs_counts(edit):
    old, new = MEANING[edit]
    assert old in SOURCE
    assert code_digest(SOURCE.replace(old, new)) != code_digest(SOURCE)


def test_formatting_of_every_module_of_the_project_is_free():
    assert len(MODULES) > 40
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        assert code_digest(ast.unparse(ast.parse(source))) == code_digest(source), path
        assert code_digest(source + "\nUNSEEN = 1\n") != code_digest(source), path


# --- the closure


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A project whose modules import each other in every way that Python allows inside it."""
    files = {
        "vqa/__init__.py": "",
        "vqa/a.py": "import vqa.b\nimport numpy\n",
        "vqa/b.py": "def late():\n    from vqa.sub import c as renamed\n    return renamed\n",
        "vqa/sub/__init__.py": "from vqa.e import thing\n",
        "vqa/sub/c.py": "if False:\n    import vqa.d as d, json\n",
        "vqa/d.py": "from vqa import a\n",
        "vqa/e.py": "thing = 1\n",
        "vqa/unused.py": "import vqa.a\n",
        "stages/__init__.py": "",
        "stages/s.py": "from vqa.b import late\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_closure_follows_imports_everywhere_cycles_included(toy):
    every = {"stages", "stages.s", "vqa", "vqa.a", "vqa.b", "vqa.sub", "vqa.sub.c", "vqa.d", "vqa.e"}
    assert set(module_closure(toy, ["stages.s"])) == every
    assert module_closure(toy, ["vqa.e"]) == {"vqa": toy / "vqa/__init__.py", "vqa.e": toy / "vqa/e.py"}


def test_closure_of_nothing_is_an_error(toy):
    with pytest.raises(FileNotFoundError, match=r"vqa\.gone"):
        module_closure(toy, ["stages.s", "vqa.gone"])


def test_fingerprint_changes_with_code_in_the_closure_and_with_params(toy):
    before = fingerprint(toy, ["stages.s"], {"a": 1, "b": [1, 2]})
    assert before == fingerprint(toy, ["stages.s"], {"b": [1, 2], "a": 1}), "the order of keys has no meaning"
    assert before != fingerprint(toy, ["stages.s"], {"a": 1, "b": [2, 1]})
    (toy / "vqa/unused.py").write_text("import vqa.e\n")
    (toy / "vqa/d.py").write_text("# why\nfrom vqa import a\n")
    assert before == fingerprint(toy, ["stages.s"], {"a": 1, "b": [1, 2]})
    (toy / "vqa/d.py").write_text("from vqa import e\n")
    assert before != fingerprint(toy, ["stages.s"], {"a": 1, "b": [1, 2]})


# Imports every stage in a process of its own, forked from one that has the heavy libraries but nothing of the project.
IMPORTS = """
import importlib, json, multiprocessing, sys
import matplotlib.pyplot, pandas, scipy.stats, torch
def loaded(modules):
    for module in modules:
        importlib.import_module(module)
    return [name for name in sys.modules if name.split(".")[0] in ("vqa", "stages")]
with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
    print(json.dumps(pool.map(loaded, json.loads(sys.argv[1]), chunksize=1)))
"""


def entry_modules() -> dict[str, list[str]]:
    """Fingerprint names with the modules they start from, as the stage makes them."""
    params = load(ROOT / "params.yaml")
    methods = {name: method_module(name, block) for name, block in params.methods.items()}
    pairs = {f"{s}-{m}": [f"stages.{s}", module] for s in fingerprints.METHOD_STAGES for m, module in methods.items()}
    pairs |= {f"extract-{n}": ["stages.extract", extractor_module(n, b)] for n, b in params.extractors.items()}
    return {**{stage: [f"stages.{stage}"] for stage in fingerprints.STAGES}, **pairs}


def test_closure_holds_every_module_that_is_really_imported():
    entries = entry_modules()
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, json.dumps(list(entries.values()))],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT / "tests", text=True, capture_output=True, check=True,
    )  # fmt: skip
    for (name, modules), loaded in zip(entries.items(), json.loads(done.stdout), strict=True):
        assert set(modules) <= set(loaded)
        missing = set(loaded) - set(module_closure(ROOT, modules))
        assert not missing, f"fingerprints/{name}.txt does not cover {sorted(missing)}"


def test_no_stage_depends_on_what_it_does_not_need():
    """A new table layout must not train anything again, nor a new loss make the data again."""
    for name, modules in entry_modules().items():
        closure = set(module_closure(ROOT, modules))
        if "-" in name:
            assert not {module for module in closure if module.startswith("vqa.report")}, name
            assert not {"vqa.tracking.track", "vqa.graph.runner", "vqa.tracking.check"} & closure, name
        if name in ("fetch", "prepare", "contact_sheet"):
            assert not {module for module in closure if module.startswith(("vqa.models", "vqa.methods"))}, name
    assert "vqa.training.train" not in module_closure(ROOT, ["stages.evaluate", "vqa.methods.fastvqa"])


# --- the stage


def written() -> dict[str, str]:
    """Run the stage in the current folder: the texts it wrote, by name."""
    fingerprints.main()
    return {path.stem: path.read_text() for path in Path("fingerprints").glob("*.txt")}


def copy_project(folder: Path) -> Path:
    for package in ("vqa", "stages"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "params.yaml", folder)
    return folder


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The texts of the project as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy_project(tmp_path_factory.mktemp("project")))
        return written()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project in the current folder."""
    monkeypatch.chdir(copy_project(tmp_path))
    return tmp_path


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def test_stage_writes_one_file_per_stage_and_method(before):
    assert set(before) == set(entry_modules())


def test_params_are_copied_for_dvc(project):
    written()
    assert json.loads(Path("fingerprints/params.json").read_text()) == yaml.safe_load(Path("params.yaml").read_text())


def test_comments_in_params_change_nothing(project, before):
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text("# a remark\n" + text.replace("# [96]", "# was 96").replace("wd0: {", "wd0:   {"))
    assert changed(before, written()) == set()


def of(methods: set[str], *stages: str) -> set[str]:
    """Fingerprints of some stages, all of them unless given, of some methods."""
    return {f"{stage}-{method}" for stage in stages or fingerprints.METHOD_STAGES for method in methods}


# By the extractor whose rows they read, or none
HEADS = {"vsfa", "bvqa2022", "pvq", "pvq_whole", "dsdpro", "tlvqm", "videval"}
METHODS = {"fastvqa", "sama", "sama_iqa", "simplevqa", "quality", "dover", "zoomvqa", *HEADS}
EXTRACTORS = {"slowfast", *HEADS - {"pvq_whole"}}
OUTSIDE = {"regression", "outside"}
PAGES = {"tables", "statistics", "figures", "verdicts", "site", "report"}


@pytest.mark.parametrize(
    ("old", "new", "stages"),
    [
        ("seed: 42", "seed: 43", {*of(METHODS), *of(EXTRACTORS, "extract"), *PAGES, *OUTSIDE}),
        ("projection: box", "projection: ball", {*of(METHODS, "train", "landscape"), *PAGES - {"tables"}}),
        ("train_epoch: last", "train_epoch: best", {*of(METHODS, "evaluate"), *PAGES}),
        ("bootstrap: 1000", "bootstrap: 999", PAGES | OUTSIDE | of(METHODS, "transfer", "fusion")),
        ("margin: 0.005", "margin: 0.006", {"statistics", "verdicts", "site", "report"}),
        ("points: 11", "points: 21", {*of(METHODS, "landscape"), "site"}),
        ("weight_decay: 0.5}", "weight_decay: 0.6}", PAGES),
        ("title: Weight decay, FAST-VQA on K", "title: FAST-VQA on K", PAGES - {"figures"}),
        ("time: sum", "time: mean", {*of({"sama"}), "site", "report"}),
        ("zero_shot: [lsvq, konvid1k, livevqc]", "zero_shot: [lsvq, livevqc, konvid1k]", {"zero_shot"}),
    ],
)
def test_an_edit_of_params_reaches_exactly_what_depends_on_it(project, before, old, new, stages):
    text = Path("params.yaml").read_text()
    assert old in text
    Path("params.yaml").write_text(text.replace(old, new, 1))
    assert changed(before, written()) == stages


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("vqa/training/train.py", of(METHODS, "train")),
        # which the others are made of parts of
        ("vqa/methods/fastvqa.py", of({"fastvqa", "sama", "dover", "zoomvqa"})),
        ("vqa/methods/vsfa.py", of({"vsfa", "bvqa2022"})),
        ("vqa/handcrafted/videval.py", {"extract-tlvqm", "extract-videval"}),
        ("vqa/methods/sama_iqa.py", of({"sama_iqa"})),
        ("vqa/sampling/pyramid.py", of({"sama", "sama_iqa"})),
        ("vqa/models/simplevqa.py", of({"simplevqa"})),
        ("vqa/models/slowfast.py", {"extract-slowfast", "extract-bvqa2022", "extract-dsdpro"}),
        ("vqa/models/checkpoints.py", of(METHODS, "initial") | of(EXTRACTORS, "extract")),
        ("vqa/training/evaluate.py", of(METHODS, "evaluate")),
        ("vqa/data/prepare.py", {"prepare"}),
        ("vqa/data/synthetic/degrade.py", {"fetch"}),
        ("vqa/landscape/measure.py", of(METHODS, "landscape")),
        ("vqa/report/front.py", {"site", "report"}),
        ("vqa/report/tables/compare.py", {"statistics"}),
        ("vqa/stats/fusion_gains.py", of(METHODS, "fusion") | {"outside", "statistics"}),
        ("vqa/report/verdicts/judge.py", {"statistics", "verdicts"}),
        ("vqa/report/verdicts/page.py", {"verdicts"}),
        ("vqa/report/figures/surface.py", {"figures", "site", "report"}),
        ("vqa/tracking/check.py", set()),
        ("vqa/tracking/track.py", set()),
        ("vqa/graph/runner.py", set()),
        ("vqa/io.py", set(entry_modules())),
    ],
)
def test_an_edit_of_a_module_reaches_exactly_the_stages_that_use_it(project, before, module, stages):
    with Path(module).open("a") as stream:
        stream.write("\nADDED = True\n")
    assert changed(before, written()) == stages


def test_a_remark_in_every_module_reaches_none(project, before):
    for path in project.rglob("*.py"):
        path.write_text("# a remark\n" + path.read_text().replace('"""', '"""Reworded. ', 1))
    assert changed(before, written()) == set()


def test_a_stage_or_method_that_is_gone_leaves_no_file_behind(project):
    Path("fingerprints").mkdir()
    Path("fingerprints/old.txt").write_text("old")
    assert "old" not in written()


def test_a_method_without_a_module_is_refused_in_one_line(project, capsys):
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("\n  fastvqa:\n", "\n  fastvqua: {}\n  fastvqa:\n"))
    with pytest.raises(SystemExit) as stop:
        run_stage(fingerprints.main)
    message = capsys.readouterr().err
    assert stop.value.code == 2
    assert "fastvqua" in message
    assert message.count("\n") == 1
