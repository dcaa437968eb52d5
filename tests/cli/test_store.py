"""``vqa store``: what a scale would keep, by hand-made numbers; what is there, and how it goes."""

import json
from pathlib import Path

import pytest
import torch
from project import ROOT
from tiny import make

from vqa.bench import stores as module
from vqa.bench.stores import Clip, plan, stores
from vqa.cli.app import run
from vqa.io import InputError
from vqa.settings.params import Params, load
from vqa.training.scratch import Scratch
from vqa.training.store import ClipStore

CUT, PACK, SIZE = 0.02, 0.01, 2e6


@pytest.fixture(scope="module")
def params() -> Params:
    return load(ROOT / "paper" / "params.yaml")


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every clip costs the same; those of SAMA's tests are the same in all epochs."""

    def clip(method: object, phase: str, *shape: int) -> Clip:
        return Clip(SIZE, CUT, PACK, drawn=phase == "train")

    monkeypatch.setattr(module, "_one_clip", clip)


@pytest.mark.usefixtures("priced")
def test_numbers_of_lsvq_are_those_by_hand(params, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    own = {(s.method, s.phase, s.epochs): s for s in stores(params)[0] if s.data == "lsvq"}
    train = own["fastvqa", "train", 30].row(params)
    fast = [run for run in params.runs.values() if run.method == "fastvqa" and run.train == "lsvq"]
    assert len(own["fastvqa", "train", 30].reads) == len(fast) == 5
    items, video = 28056, 240 * 960 * 540 * module.SECONDS_PER_PIXEL
    assert train["clips"] == items * 30
    assert train["GB"] == pytest.approx(items * 30 * SIZE / 1e9)
    assert train["core-hours"] == pytest.approx(items * (video + 30 * (CUT + PACK)) / 3600)
    assert train["without"] == pytest.approx(5 * items * 30 * (0.5 * video + CUT) / 3600)
    tests = own["fastvqa", "released", 1].row(params)
    assert tests["clips"] == 7186 + 3573, "one draw for all epochs"
    whole, train_share = own["fastvqa", "clean", 1], own["fastvqa", "clean", 1].reads.count(("train", 1.0))
    assert train_share < len(whole.reads), "of the clean protocol each reads its own parts"
    parts = {split: n * (0.8 * video + CUT) for split, n in (("train", 28056), ("test", 7186), ("1080p", 3573))}
    assert whole.row(params)["without"] == pytest.approx(sum(parts[split] for split, _ in whole.reads) / 3600)
    (both,) = plan(params)[0].query("`data set` == 'lsvq' and method == 'fastvqa'").to_dict("records")
    assert both["GB to train"] == pytest.approx(train["GB"])
    assert both["GB"] > both["GB to train"] + tests["GB"]


@pytest.mark.usefixtures("priced")
def test_runs_that_sample_alike_share_and_others_are_named(params):
    found, without = stores(params)
    konvid = [s for s in found if (s.data, s.method, s.phase) == ("konvid1k", "fastvqa", "train") and s.epochs == 30]
    # One each for the augmentations, and one for all the other runs and fine-tunings on KoNViD-1k
    assert len(konvid) == 4
    assert sorted(len(store.reads) for store in konvid)[:3] == [1, 1, 1]
    (landscapes,) = [s for s in found if (s.data, s.method, s.phase, s.epochs) == ("konvid1k", "fastvqa", "train", 1)]
    assert {"train", "test"} <= {split for split, _ in landscapes.reads}, "those of augmented runs are without"
    (cut,) = [s for s in found if (s.data, s.method, s.phase) == ("spaq", "sama_iqa", "train")]
    assert cut.splits == {"all"}
    assert [share for _, share in cut.reads] == [0.8] * 20
    assert {"simplevqa", "vsfa"} <= set(without)
    assert not {store.method for store in found} & set(without)


def test_a_clip_is_measured_by_cutting_one():
    drawn, still = (module._one_clip(make(name), "released", 12, 64, 48) for name in ("fastvqa", "sama"))
    assert (drawn.drawn, still.drawn) == (True, False)
    assert drawn.size == pytest.approx(2 * 3 * 32 * 32 * module.LEFT[torch.uint8])
    assert still.size == pytest.approx(2 * 2 * 3 * 32 * 32 * 4 * module.LEFT[torch.float32])
    assert drawn.cut > 0


def test_item_lists_that_are_there_count(params, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prepared" / "livevqc").mkdir(parents=True)
    rows = "split,n_frames,width,height\nall,10,4,3\nall,20,2,2\n"
    (tmp_path / "prepared" / "livevqc" / "items.csv").write_text(rows)
    assert module._extent("livevqc", {"all"}, params) == (2, 200.0)


def test_the_demo_needs_none(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run(["store", "plan"]) == 0
    assert "scale demo: no store" in capsys.readouterr().out


def _made(folder: Path, data: str, seed: int) -> Path:
    about = {"data": data, "method": "fastvqa", "phase": "train", "seed": seed, "epochs": [1, 2]}
    store = ClipStore(Scratch(folder / "fragments", 1 << 20), about)
    store.open()
    (store.folder / "0.clips").write_bytes(bytes(1000))
    return store.folder


def test_what_is_there_is_listed_and_dropped(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("VQA_SCRATCH", str(tmp_path))
    assert run(["store"]) == 0
    assert "no stores" in capsys.readouterr().out
    first, second, third = _made(tmp_path, "lsvq", 1), _made(tmp_path, "lsvq", 2), _made(tmp_path, "konvid1k", 1)
    assert run(["store", "list"]) == 0
    out = capsys.readouterr().out
    assert all(folder.name in out for folder in (first, second, third))
    assert "0.00 GB in" in out
    with pytest.raises(InputError, match="livevqc: no store of that key or data set"):
        run(["store", "drop", "livevqc"])
    with pytest.raises(InputError, match="say what"):
        run(["store", "drop"])
    assert run(["store", "drop", first.name]) == 0
    assert (first.exists(), second.exists(), third.exists()) == (False, True, True)
    assert run(["store", "drop", "lsvq"]) == 0
    assert (second.exists(), third.exists()) == (False, True)
    left = third / "0.clips", third / "about.json"
    book = json.loads((tmp_path / "fragments" / "used").read_text())
    assert book["files"] == sum(path.stat().st_size for path in left)
    assert json.loads(left[1].read_text())["data"] == "konvid1k"
    left[1].write_text("")
    assert run(["store", "list"]) == 0
    assert third.name in capsys.readouterr().out, "also one of which nobody knows what it is"
    assert run(["store", "drop", "all"]) == 0
    assert not third.exists()


def test_wrong_use_is_one_line(tmp_path, monkeypatch):
    monkeypatch.delenv("VQA_SCRATCH", raising=False)
    with pytest.raises(InputError, match="VQA_SCRATCH is not set"):
        run(["store"])
    with pytest.raises(InputError, match="takes no names"):
        run(["store", "plan", "lsvq"])
