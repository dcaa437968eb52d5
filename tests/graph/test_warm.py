"""Processes that wait for the command of one stage; that they compute the same is in test_stages."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vqa.graph.warm import WarmProcess, preload


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package ``stages`` of two toy stages, in the place of the project's."""
    folder = tmp_path / "stages"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "copy.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        "def main():\n    Path('out.txt').write_text(' '.join([Path(sys.argv[0]).name, *sys.argv[1:]]))\n"
    )
    (folder / "refuse.py").write_text(
        "from vqa.io import InputError\n"
        "def main():\n    import colorsys, nowhere_to_be_found\n    raise InputError('not like this')\n"
    )
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "stages"}
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "stages"]:
        del sys.modules[name]
    sys.modules.update(loaded)


def test_a_stage_gets_its_arguments_and_its_exit_code_comes_back(stages):
    assert WarmProcess().run("PYTHONPATH=.:$PYTHONPATH python -m stages.copy A01-fast_vqa.x b") == 0
    assert Path("out.txt").read_text() == "copy.py A01-fast_vqa.x b"
    (stages / "fails.py").write_text("def main():\n    return 1\n")
    assert WarmProcess().run("python -m stages.fails") == 1


def test_bad_input_is_one_line_and_exit_code_2_as_ever(stages, capfd):
    (stages / "refuse.py").write_text("from vqa.io import InputError\ndef main():\n    raise InputError('not so')\n")
    assert WarmProcess().run("python -m stages.refuse") == 2
    assert capfd.readouterr().err == "error: not so\n"


@pytest.mark.parametrize("command", ["echo a", "python -m dvc repro", "python -m stages.copy a && rm b", "python x.py"])
def test_other_commands_are_left_to_the_shell(stages, command):
    with WarmProcess() as process:
        assert process.run(command) is None
    assert not process._process.is_alive()
    assert process._process.exitcode == 0


def test_what_ends_the_block_ends_the_process_too(stages):
    with pytest.raises(OSError, match="No space left"), WarmProcess() as process:
        raise OSError("No space left")
    assert process._process.exitcode == 0, "else Python would wait for it at its end, and it for a command"


def test_what_a_stage_imports_inside_functions_is_imported_and_what_is_missing_does_not_matter(stages, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    fingerprint = stages / "refuse.txt"
    fingerprint.write_text("0123  stages.refuse\n4567  vqa.io\nnull\n")
    preload(fingerprint)
    assert {"stages.refuse", "colorsys"} <= sys.modules.keys()
