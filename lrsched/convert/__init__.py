"""Schedules of other libraries to lrsched and back: ``from_...`` reads one, ``to_...`` makes one to train with.

Whatever :func:`lrsched.as_schedule` takes can be made into a scheduler: a path, a config, a schedule, any function.
"""

from lrsched.convert.export import export_source, fit_cfg
from lrsched.convert.keras import keras_objects, to_keras
from lrsched.convert.optax import to_optax
from lrsched.convert.source import to_source
from lrsched.convert.torch import to_torch, to_transformers
from lrsched.frameworks.keras import from_keras
from lrsched.frameworks.optax import from_optax
from lrsched.frameworks.tables import from_table
from lrsched.frameworks.timm import from_timm, groups_from_timm
from lrsched.frameworks.torch import from_torch, groups_from_torch

__all__ = ["export_source", "fit_cfg", "from_keras", "from_optax", "from_table", "from_timm", "from_torch"]
__all__ += ["groups_from_timm", "groups_from_torch", "keras_objects", "to_keras", "to_optax", "to_source"]
__all__ += ["to_torch", "to_transformers"]
