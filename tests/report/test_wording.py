"""What pages say of the protocols follows from params."""

from dataclasses import replace

from project import ROOT

from vqa.report.wording import protocol_definitions
from vqa.settings.params import load


def test_a_fixed_draw_of_the_tests_is_said_where_there_is_one():
    common = load(ROOT / "params.yaml").common
    fixed = replace(common, released=replace(common.released, draw="fixed"))
    said = "their clips are drawn once and not in every epoch"
    assert said not in protocol_definitions(common)["released"]
    assert said in protocol_definitions(fixed)["released"]
    assert protocol_definitions(common)["clean"] == protocol_definitions(fixed)["clean"]
    assert load(ROOT / "paper" / "params.yaml").common.released.draw == "fixed"
