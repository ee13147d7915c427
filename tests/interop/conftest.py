"""The tests on other libraries' schedules are collected where those libraries are installed, and only there."""

from __future__ import annotations

import importlib.util
import os
import sys

LIBRARIES = ("torch", "optax", "keras", "jax", "timm", "fvcore", "mmengine", "transformers", "distributed")

# timm brings it, built for another torch than the one without a GPU; transformers fails where it is there and broken
sys.modules["torchvision"] = None  # type: ignore[assignment]

# keras asks for it when it is imported
os.environ.setdefault("KERAS_BACKEND", "jax")

collect_ignore_glob = [] if all(importlib.util.find_spec(library) for library in LIBRARIES) else ["*.py"]
