"""Rounding at the border: doubles that lie exactly between two float32 numbers must go to the even one."""

import numpy as np
import pytest

from lrsched.schedule import Schedule
from lrsched.trainers.darknet import Arithmetic, BurnIn, Constant, Exp, Poly, Sgdr, Sigmoid, Step
from tests.comparing import bits
from tests.trainers.darknet import oracle

ULP = 2.0**-23
SMALLEST = 2.0**-149

# learning_rate * (m / 8192)**2 has 25 bits, one more than float32 holds, so each is a tie: down for 1, up for 3
TIES = [(1.0, range(4097, 5792, 2)), (3.0, range(2365, 3344, 2))]


@pytest.mark.parametrize("scattered", [False, True])
@pytest.mark.parametrize(("learning_rate", "numerators"), TIES)
def test_powers_round_ties_to_even(learning_rate: float, numerators: range, scattered: bool) -> None:
    wanted = bits([np.float32(learning_rate * (m / 8192) ** 2) for m in numerators])  # exact, but for the last rounding
    poly = Poly(learning_rate=learning_rate, max_batches=8192, power=2.0)
    burn_in = BurnIn(policy=Constant(learning_rate=learning_rate), burn_in=8192, power=2.0)
    for schedule, iterations in ((poly, [8192 - m for m in numerators]), (burn_in, list(numerators))):
        rates = schedule(iterations) if scattered else schedule.rates(0, 8192)[iterations]
        assert (bits(rates) == wanted).all()
    for kind in (
        lambda base: Exp(learning_rate=learning_rate, gamma=base),
        lambda base: Step(learning_rate=learning_rate, step=1, scale=base),
    ):
        schedules = [kind(m / 8192) for m in numerators]
        assert (bits([s([2, 1])[0] if scattered else s([0, 1, 2])[2] for s in schedules]) == wanted).all()


@pytest.mark.parametrize("iterations", [[0, 1], [1, 0]])
def test_sigmoid_and_sgdr_round_ties_to_even(iterations: list[int]) -> None:
    # half of 3 and of 5 smallest numbers lies halfway between two of them
    for odd, even in ((1, 0), (3, 2), (5, 2), (7, 4)):
        rates = Sigmoid(learning_rate=odd * SMALLEST, gamma=0.0)(iterations)
        assert rates.tolist() == [even * SMALLEST] * 2
    # 1 + 2.5 units is rounded to 1 + 2 as a float32 difference; 1.5 more at the peak make 3.5, which go to 4
    # 1 + 0.5 units is rounded to 1; half a unit more goes to the even 1
    for peak, bottom, rounded_peak in ((1 + 4 * ULP, 1.5 * ULP, 1 + 4 * ULP), (1 + ULP, 0.5 * ULP, 1.0)):
        schedule = Sgdr(learning_rate=peak, learning_rate_min=bottom, sgdr_cycle=1000)
        assert schedule(iterations)[iterations.index(0)] == np.float32(rounded_peak)


# found among thousands of millions: repeated products, or a product of two powers, land beyond the border that C's
# own pow does not cross
BEYOND_THE_BORDER = [
    (Poly(learning_rate=0.3387906849384308, max_batches=7288229, power=7.0), 4430174, 0.00048313828301616013),
    (Exp(learning_rate=0.14500845968723297, gamma=0.9999987483024597), 1186376, 0.032845254987478256),
]


@pytest.mark.parametrize(("schedule", "t", "wanted"), BEYOND_THE_BORDER)
def test_a_block_never_crosses_the_border(schedule: Schedule, t: int, wanted: float) -> None:
    assert schedule(t) == np.float32(wanted)
    assert schedule([t, 0])[0] == np.float32(wanted)
    for begin in range(t - 300, t + 1):
        assert schedule.rates(begin, t + 1)[-1] == np.float32(wanted), begin


@pytest.mark.parametrize("fork", ["alexeyab", "hank-ai"])
@pytest.mark.parametrize("cycle", [1000, 5000, 100_000])
@pytest.mark.parametrize("scattered", [False, True])
def test_the_bottom_of_a_cycle_is_exact(fork: str, cycle: int, scattered: bool) -> None:
    # one and a cosine next to minus one leave few of the bits of the cosine
    trainer = oracle.TRAINERS[fork]
    arithmetic = Arithmetic(single=trainer.single_functions, pi=trainer.pi)
    schedule = Sgdr(learning_rate=0.1, learning_rate_min=0.0, sgdr_cycle=cycle, sgdr_mult=1, arithmetic=arithmetic)
    iterations = range(cycle - 200, cycle + 3)
    rates = schedule(np.array(iterations)[::-1])[::-1] if scattered else schedule(iterations)
    values = {"learning_rate": 0.1, "learning_rate_min": 0.0, "sgdr_cycle": cycle, "sgdr_mult": 1}
    assert (bits(rates) == bits([oracle.rate(trainer, "sgdr", t, **values) for t in iterations])).all()  # type: ignore[arg-type]
