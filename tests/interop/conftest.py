"""The tests on other libraries' schedules are collected where those libraries are installed, and only there."""

from __future__ import annotations

import importlib.util
import os

LIBRARIES = ("torch", "optax", "keras", "jax", "timm", "fvcore", "mmengine", "transformers", "distributed")

# keras asks for it when it is imported
os.environ.setdefault("KERAS_BACKEND", "jax")

collect_ignore_glob = [] if all(importlib.util.find_spec(library) for library in LIBRARIES) else ["*.py"]
