"""What cannot be had is said once, at once, before anything is built."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from download_server import serving
from project import ROOT as PROJECT

from vqa.data.published import reach
from vqa.data.published.entries import CACHE, PUBLISHED, ROOT
from vqa.data.published.index import FILES
from vqa.io import InputError
from vqa.settings.params import Params, load

HOST = "raw.githubusercontent.com"


@pytest.fixture(scope="module")
def real() -> Params:
    return load(PROJECT / "real" / "params.yaml")


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VQA_MIRROR", raising=False)


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that were asked, none of which answers."""
    asked: list[str] = []
    monkeypatch.setattr(reach, "unreachable", lambda url: asked.append(url) or "no route")
    return asked


def fill_mirror(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in FILES.values():
        path = folder / source.remote("x").url.removeprefix("https://")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setenv("VQA_MIRROR", str(folder))


def test_without_mirror_and_network_one_line_says_how_many_and_what_to_do(real: Params, probed: list[str]) -> None:
    wanted = rf"^published files: \d+ missing, VQA_MIRROR is not set, and {HOST} cannot be reached \(no route\)"
    with pytest.raises(InputError, match=wanted) as error:
        reach.check_reach(real)
    assert "\n" not in str(error.value)
    assert len(probed) == 1  # one host, one question
    needed = {source.sha256 for name in real.published for source in PUBLISHED[name].sources.values()}
    assert int(str(error.value).split()[2]) > len(needed)


def test_a_mirror_that_has_everything_needs_no_network(
    real: Params, probed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_mirror(tmp_path / "mirror", monkeypatch)
    reach.check_reach(real)
    assert probed == []


def test_a_single_file_that_the_mirror_lacks_is_looked_for(
    real: Params, probed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_mirror(tmp_path / "mirror", monkeypatch)
    url = PUBLISHED["sama-log"].sources["log.txt"].remote("log.txt").url
    (tmp_path / "mirror" / url.removeprefix("https://")).unlink()
    with pytest.raises(InputError, match=r"files: 1 missing, VQA_MIRROR is .*mirror, which lacks them"):
        reach.check_reach(real)
    assert probed == [url]
    (ROOT / "sama-log").mkdir(parents=True)
    (ROOT / "sama-log" / "log.txt").touch()
    reach.check_reach(real)


def test_a_data_set_that_is_there_needs_none_of_its_files(real: Params, probed: list[str]) -> None:
    def number() -> int:
        with pytest.raises(InputError) as error:
            reach.check_reach(real)
        return int(str(error.value).split()[2])

    before = number()
    for file in PUBLISHED["livevqc-labels"].files:
        (CACHE / "livevqc-labels" / file).parent.mkdir(parents=True, exist_ok=True)
        (CACHE / "livevqc-labels" / file).touch()
    assert number() == before - 1  # the other two of its three files are in entries of features too
    for name in real.datasets:
        (Path("data") / name).mkdir(parents=True)
    rest = {source.remote("x").url for name in real.published for source in PUBLISHED[name].sources.values()}
    assert number() == len(rest)


def test_a_host_that_answers_is_enough(real: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(reach, "unreachable", lambda url: asked.append(url) or "")
    reach.check_reach(real)
    assert asked, "somebody was asked"


def test_other_scales_ask_nobody(probed: list[str]) -> None:
    for scale in (".", "paper"):
        reach.check_reach(load(PROJECT / scale / "params.yaml"))
    assert probed == []


def test_an_answer_of_any_kind_counts_and_silence_does_not() -> None:
    with serving() as server:
        assert reach.unreachable(f"{server.url}/nothing") == ""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "refused" in reach.unreachable(f"http://127.0.0.1:{port}/x")


def test_the_build_stops_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((PROJECT / "real" / "params.yaml").read_text())
    (tmp_path / "sources.yaml").write_text((PROJECT / "sources.yaml").read_text())
    # A proxy that is not there cuts this process off, wherever the test runs
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), "https_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, "-m", "vqa.cli", "repro"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / ".state").exists()
