"""The bench of networks, run with the demo's networks on the CPU: every row is there and follows from its time."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from project import ROOT

from vqa.bench import networks
from vqa.settings.params import load

CPU = torch.device("cpu")


def test_every_network_of_the_paper_scale_is_measured_from_a_run_from_scratch() -> None:
    paper = load(ROOT / "paper" / "params.yaml")
    first = networks.networks(paper)
    assert set(first) == {"fastvqa", "sama", "sama_iqa", "simplevqa"}
    assert all(paper.runs[run].method == method and paper.runs[run].parent is None for method, run in first.items())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_rows_of_a_network(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "LANDSCAPE_BATCHES", 2)
    params = load(ROOT / "params.yaml")
    rows = networks.measure(params, networks.networks(params)["fastvqa"], precision, CPU, repeats=1)
    table = pd.DataFrame(rows).set_index("what")
    assert list(table.index) == ["step, none", "step, rwp", "step, awp", "inference", "landscape point"]
    assert (table.precision == precision).all()
    size = table["items"]["step, none"]
    assert table["items"].to_dict() == dict.fromkeys(table.index, size) | {"landscape point": 2 * size}
    assert table["items/s"].to_numpy() == pytest.approx(1000 * table["items"] / table.ms)
    assert table.ratio.to_numpy() == pytest.approx(table.ms / table.ms["step, none"])
    # A step of a perturbation is two passes forward and back, a pass back twice one forward.
    operations = table["TFLOP/s"] * table.ms / table["items"]
    assert (operations / operations["inference"]).to_list() == pytest.approx([3, 6, 6, 1, 1])


def test_a_table_is_kept_under_the_name_of_its_card(tmp_path: Path) -> None:
    row = {"method": "fastvqa", "precision": "bf16", "what": "inference", "ms": 1.2345, "TFLOP/s": 100.0}
    peaks = {"fp32": 50.0, "bf16": 400.0}
    table, path = networks.write_table([row, {**row, "precision": "fp32"}], tmp_path, "Card of 80 GB", peaks)
    assert path == tmp_path / "Card_of_80_GB.csv"
    assert table.ms[0] == 1.2345
    assert table.share.to_list() == [0.25, 2.0]
    assert pd.read_csv(path).ms[0] == pytest.approx(1.23)
    networks.write_table([{**row, "ms": 3.0}, {**row, "method": "sama"}], tmp_path, "Card of 80 GB", peaks)
    kept = pd.read_csv(path)
    assert kept[["method", "precision"]].apply("-".join, axis=1).to_list() == [
        "fastvqa-fp32",
        "fastvqa-bf16",
        "sama-bf16",
    ]
    assert kept.ms.to_list() == [1.23, 3.0, 1.23]


def test_the_rate_of_a_product() -> None:
    assert networks.product_rate(torch.float32, CPU, side=64) > 0
