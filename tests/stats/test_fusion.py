"""Fusions of branches: what they keep, what they depend on, and the weight that is tuned on a test set."""

import numpy as np
import pytest

from vqa.stats.fusion import logistic_mean, single, standard, weighted
from vqa.stats.fusion_gains import GAINS, ONE_WEIGHT, best_weight, gains, rules
from vqa.stats.metrics import correlations


@pytest.fixture
def branches() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A good and a worse branch on scales of their own, and MOS."""
    generator = np.random.default_rng(1)
    mos = generator.uniform(1, 5, 60)
    return 0.02 * mos + 0.02 * generator.normal(size=60), 7 + 2 * mos + generator.normal(size=60), mos


def test_weighted_scores_do_not_depend_on_the_scales_of_branches(branches: tuple) -> None:
    aesthetic, technical, _ = branches
    np.testing.assert_allclose(weighted(5 * aesthetic - 1, technical / 3, 0.3), weighted(aesthetic, technical, 0.3))
    np.testing.assert_allclose(weighted(aesthetic, technical, 1.0), standard(technical))
    np.testing.assert_array_equal(standard(np.full(4, 2.0)), np.zeros(4))


def test_the_tuned_weight_is_the_best_of_the_grid(branches: tuple) -> None:
    aesthetic, technical, mos = branches
    best = best_weight(aesthetic, technical, mos)
    value = sum(correlations(weighted(aesthetic, technical, best), mos))
    others = [sum(correlations(weighted(aesthetic, technical, w), mos)) for w in np.linspace(0, 1, 41)]
    assert value >= max(others)
    assert 0.5 < best < 1, "the better branch weighs more"


def test_every_rule_gives_every_item_a_score(branches: tuple) -> None:
    aesthetic, technical, mos = branches
    fused = rules(aesthetic, technical, mos, 0.6)
    values = {name: sum(correlations(scores, mos)) for name, (_, scores) in fused.items()}
    assert max(values, key=values.__getitem__) == "tuned on the test set"
    for rule in ("technical alone", "aesthetic alone", "equal weights", ONE_WEIGHT, "tuned on the test set"):
        weight, scores = fused[rule]
        np.testing.assert_allclose(standard(scores), standard(weighted(aesthetic, technical, weight)))
    assert fused[ONE_WEIGHT][0] == 0.6
    assert values["constants exchanged"] < values[ONE_WEIGHT]


def test_gains_are_paired_by_item(branches: tuple) -> None:
    aesthetic, technical, mos = branches
    fused = rules(aesthetic, technical, mos, 0.6)
    rows = {row["rule"]: row for row in gains(fused, ONE_WEIGHT, mos, "set", (200, 1))}
    assert list(rows) == list(fused)
    assert all(tuple(row) == GAINS for row in rows.values())
    one = rows[ONE_WEIGHT]
    assert one["gain"] == one["ci_low"] == one["ci_high"] == 0.0
    for rule, row in rows.items():
        assert (row["srcc"], row["plcc"]) == correlations(fused[rule][1], mos)
        assert row["gain"] == row["srcc"] - one["srcc"]
        assert row["ci_low"] <= row["gain"] <= row["ci_high"]
    wide = rows["aesthetic alone"]
    assert wide["ci_high"] < 0, "the worse branch alone is worse"
    again = gains({"x": (1.0, 3 * technical), ONE_WEIGHT: fused[ONE_WEIGHT]}, ONE_WEIGHT, mos, "set", (200, 1))
    assert again[0]["ci_low"] == rows["technical alone"]["ci_low"], "the same resamples"


def test_the_released_constants_of_single_videos_and_their_exchange() -> None:
    middle = single(np.array([-0.08285]), np.array([0.1107]))
    assert middle == pytest.approx(0.5)
    assert single(np.array([0.1107]), np.array([-0.08285]), exchanged=True) == pytest.approx(0.5)
    assert single(np.array([0.0, 0.1]), np.array([0.1, 0.1]))[1] > single(np.array([0.0]), np.array([0.1]))[0]


def test_the_logistic_mean_lies_in_its_range_and_keeps_what_both_agree_on(branches: tuple) -> None:
    aesthetic, technical, mos = branches
    fused = logistic_mean(aesthetic, technical)
    assert fused.min() > 0
    assert fused.max() < 100
    np.testing.assert_allclose(logistic_mean(mos, mos).argsort(), mos.argsort())
    np.testing.assert_allclose(logistic_mean(technical, aesthetic), fused)
