"""Schedules for people who compose: named ones, combinators, units of time.

Every function of ``wellknown`` and ``combinators`` that ``@named`` makes is offered here, and stands in
``NAMED``, from which the documentation, the strategies and the JSON form read.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from lrsched.schedules import combinators, wellknown
from lrsched.schedules.combinators import *  # noqa: F403 (whatever is named there is offered here)
from lrsched.schedules.naming import Named, Units, is_named, named
from lrsched.schedules.operators import Product, Sequential, Sum
from lrsched.schedules.wellknown import *  # noqa: F403

__all__ = ["NAMED", "Named", "Product", "Sequential", "Sum", "Units", "is_named", "named"]
__all__ += combinators.__all__
__all__ += wellknown.__all__
__all__.sort(key=lambda name: (not name.isupper(), not name[:1].isupper(), name))

NAMED: Mapping[str, Callable[..., Named]] = MappingProxyType(
    {name: thing for name, thing in sorted(globals().items()) if is_named(thing)}
)
"""The named schedules: name -> function."""
