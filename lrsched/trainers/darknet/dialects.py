"""The forks of darknet as values: every way in which they read or train the same cfg differently is a field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from lrsched.text import did_you_mean
from lrsched.trainers.darknet.arithmetic import Arithmetic

__all__ = ["ALEXEYAB", "DIALECTS", "HANK_AI", "PJREDDIE", "Dialect", "as_dialect"]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One fork of darknet: how it reads ``[net]`` and how it computes a rate.

    A further fork is one more value, made with ``dataclasses.replace``. A field with a note is a difference that the
    documentation lists.
    """

    name: str
    title: str
    arithmetic: Annotated[Arithmetic, "arithmetic of the rate"]
    policies: Annotated[frozenset[str], "policies it knows"]
    unknown_policy_is_constant: Annotated[bool, "an unknown policy is taken as constant, not refused"]
    blanks: Annotated[str, "characters deleted anywhere in a line (else trimmed at the ends)"]
    comment_anywhere: Annotated[bool, "a # anywhere begins a comment (else only # or ; at line start)"]
    strict_numbers: Annotated[bool, "a number is only -.0123456789, else refused (else a prefix, as C)"]
    strict_keys: Annotated[bool, "a key given twice or read by nobody is refused (else ignored)"]
    commas_after_comment: Annotated[bool, "commas behind a # count as further steps"]
    list_of_found_numbers: Annotated[bool, "a list is every number found (else split at commas)"]
    missing_scales_are_zero: Annotated[bool, "missing scales are 0 (else it crashes)"]
    batch_at_least_one: Annotated[bool, "batch / subdivisions is at least 1 (else it crashes at 0)"]
    refuses_batch_of_one: Annotated[bool, "`detector train` refuses an effective batch of 1"]
    gpus_multiply_rate: Annotated[bool, "learning_rate is multiplied by the number of GPUs"]
    burn_in_on_one_gpu: Annotated[bool, "the burn-in runs on one GPU, unless it starts from weights"]
    iteration_counts_gpus: Annotated[bool, "one turn on N GPUs advances the printed iteration by N"]
    short_run: Annotated[int, "below this max_batches weights are kept every 1000 iterations"]
    keys: Annotated[frozenset[str], "keys it reads in [net]"]
    keys_of_policy: Annotated[dict[str, frozenset[str]], "keys it reads with certain policies only"]
    keys_of_adam: Annotated[frozenset[str], "keys it reads with adam only"]

    def reads(self, policy: str, *, adam: bool) -> frozenset[str]:
        """The keys of ``[net]`` that are read under ``policy``."""
        return self.keys | self.keys_of_policy.get(policy, frozenset()) | (self.keys_of_adam if adam else frozenset())

    def all_keys(self) -> frozenset[str]:
        """The keys of ``[net]`` that are read under any policy."""
        return self.keys.union(self.keys_of_adam, *self.keys_of_policy.values())

    def __hash__(self) -> int:
        return hash(self.name)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHARED_KEYS = _words(
    "adam angle aspect batch burn_in channels decay exposure height hue inputs learning_rate max_batches momentum "
    "policy power saturation subdivisions time_steps width"
)

PJREDDIE = Dialect(
    name="pjreddie",
    title="pjreddie/darknet",
    arithmetic=Arithmetic(unsigned=True),
    policies=_words("constant step steps exp poly random sigmoid"),
    unknown_policy_is_constant=True,
    blanks=" \t\n",
    comment_anywhere=False,
    strict_numbers=False,
    strict_keys=False,
    commas_after_comment=True,
    list_of_found_numbers=False,
    missing_scales_are_zero=False,
    batch_at_least_one=False,
    refuses_batch_of_one=False,
    gpus_multiply_rate=True,
    burn_in_on_one_gpu=False,
    iteration_counts_gpus=False,
    short_run=0,
    keys=SHARED_KEYS | _words("center clip max_crop max_ratio min_crop min_ratio notruth random"),
    keys_of_policy={
        "step": _words("step scale"),
        "steps": _words("steps scales"),
        "exp": _words("gamma"),
        "sigmoid": _words("gamma step"),
    },
    keys_of_adam=_words("B1 B2 eps"),
)

ALEXEYAB = replace(
    PJREDDIE,
    name="alexeyab",
    title="AlexeyAB/darknet",
    arithmetic=Arithmetic(),
    policies=PJREDDIE.policies | {"sgdr"},
    blanks=" \t\n\r",
    commas_after_comment=False,
    batch_at_least_one=True,
    refuses_batch_of_one=True,
    iteration_counts_gpus=True,
    short_run=10_000,
    keys=SHARED_KEYS
    | _words(
        "adversarial_lr attention augment_speed badlabels_rejection_percentage blur contrastive contrastive_color "
        "contrastive_jit_flip cutmix dynamic_minibatch ema_alpha equidistant_point flip gaussian_noise "
        "label_smooth_eps learning_rate_min letter_box loss_scale max_chart_loss max_crop min_crop mixup mosaic "
        "mosaic_bound num_sigmas_reject_badlabels optimized_memory resize_step sequential_subdivisions sgdr_cycle "
        "sgdr_mult show_receptive_field track try_fix_nan unsupervised use_cuda_graph weights_reject_freq "
        "workspace_size_limit_MB"
    ),
    keys_of_policy=PJREDDIE.keys_of_policy
    | {"steps": _words("steps scales seq_scales"), "sgdr": _words("steps scales seq_scales")},
)

HANK_AI = replace(
    ALEXEYAB,
    name="hank-ai",
    title="hank-ai/darknet",
    arithmetic=Arithmetic(single=True, pi=3.141592653589793),
    unknown_policy_is_constant=False,
    blanks="",
    comment_anywhere=True,
    strict_numbers=True,
    strict_keys=True,
    list_of_found_numbers=True,
    missing_scales_are_zero=True,
    gpus_multiply_rate=False,
    burn_in_on_one_gpu=True,
    short_run=10_001,
    keys=ALEXEYAB.keys - _words("max_crop min_crop unsupervised"),
)

DIALECTS = (PJREDDIE, ALEXEYAB, HANK_AI)
"""The forks of darknet, the oldest first."""


def as_dialect(dialect: str | Dialect) -> Dialect:
    """Find a dialect by its name; a Dialect is returned as it is.

    Raises:
        ValueError: for an unknown name, with what was probably meant.
    """
    if isinstance(dialect, Dialect):
        return dialect
    named = {known.name: known for known in DIALECTS}
    if isinstance(dialect, str) and dialect in named:
        return named[dialect]
    meant = did_you_mean(dialect, named)
    raise ValueError(f"dialect must be one of {', '.join(map(repr, named))}, got {dialect!r}{meant}")
