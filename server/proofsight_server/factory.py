"""Callables of a person's own, named `module:factory`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any


def import_factory(name: str) -> Callable[..., object]:
    """Import what `module:factory` names, from the working directory too, as `python -m` would.

    Importing runs the module's code: a name in a file or a request does not suffice for it.

    Raises
    ------
    ImportError
        There is no such module, or no such callable in it; the message names what is near.
    """
    path, _, attribute = name.partition(":")
    try:
        module = _imported(path)
    except ImportError as error:
        raise ImportError(
            f"{name}: cannot import {path!r} from here or from Python's path: {error}"
        ) from error
    found = getattr(module, attribute, None)
    if not callable(found):
        near = ", ".join(get_close_matches(attribute, dir(module), n=3)) or "none"
        raise ImportError(f"{name}: module {path!r} has no factory {attribute!r}; nearest: {near}")
    factory: Callable[..., object] = found
    return factory


def _imported(path: str) -> Any:
    here = str(Path.cwd())
    if here in sys.path:
        return importlib.import_module(path)
    sys.path.insert(0, here)
    try:
        return importlib.import_module(path)
    finally:
        sys.path.remove(here)
