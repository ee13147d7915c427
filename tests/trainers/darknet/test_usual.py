"""The net to start from: long enough, with a burn-in, decayed by the end."""

import pytest

from lrsched import plan
from lrsched.trainers.darknet import DIALECTS, Dialect, usual_net


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("policy", ["poly", "steps", "step", "exp", "sigmoid", "sgdr"])
@pytest.mark.parametrize("ngpus", [1, 4])
def test_a_usual_run_peaks_at_the_usual_rate_and_decays(dialect: Dialect, policy: str, ngpus: int) -> None:
    if policy not in dialect.policies:
        with pytest.raises(ValueError, match="policy must be one of"):
            usual_net(classes=20, policy=policy, dialect=dialect)
        return
    net = usual_net(classes=20, images=9000, ngpus=ngpus, policy=policy, dialect=dialect)
    assert (net.max_batches, net.batch, net.subdivisions) == (40_000, 64, 16)
    assert net.burn_in == 1000 * net.gpu_factor(ngpus)
    rates = net.schedule(ngpus).rates(1, 40_001)
    assert 0.0008 < rates.max() < 0.001001
    assert policy == "poly" or 0.0000098 < rates[-1] < 0.0000102
    assert policy != "poly" or rates[-1] == 0
    assert rates[: net.burn_in - 1].argmax() == net.burn_in - 2
    # a sigmoid that wraps is at zero before its step
    assert plan(net, ngpus=ngpus).ok is not (policy == "sigmoid" and dialect.arithmetic.unsigned)


def test_lengths() -> None:
    assert usual_net(images=6400, epochs=10).max_batches == 1000
    assert usual_net(images=6401, epochs=10).max_batches == 1001
    assert usual_net(ngpus=8, images=640, epochs=100).burn_in == 300
    for wrong in (
        {"epochs": 10},
        {"classes": 0},
        {"batch": -1},
        {"images": 6400, "epochs": float("inf")},
        {"ngpus": "2"},
    ):
        with pytest.raises((TypeError, ValueError), match=f"^{[*wrong][-1]} (must be a|need the) .*number"):
            usual_net(**wrong)
    with pytest.raises(ValueError, match="longer than darknet can count"):
        usual_net(classes=2_000_000)
