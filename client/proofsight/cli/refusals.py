"""What the command line says of an error, and which errors are no surprise to it."""

from __future__ import annotations

import argparse

from proofsight.errors import ProofsightError

INSTALL_SERVER = "pip install 'proofsight[server]'"
_OURS = ("proofsight", "proofsight_server")


def explain(error: Exception) -> list[str] | None:
    """The lines that tell a person of `error`; None where it is a fault of ours."""
    message = getattr(error, "message", None)
    if isinstance(message, str) and isinstance(getattr(error, "reason", None), str):
        # Errors of the client and of the server side are alike in this, and share no class.
        found = getattr(error, "findings", ()) or getattr(error, "issues", ()) or ()
        return [" ".join(line.split()) for line in (map(str, found) if found else [message])]
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in _OURS:
            return None
        return [f"this command needs {package}, which is not installed: {INSTALL_SERVER}"]
    if isinstance(error, OSError):
        cause = error.strerror or str(error)
        return [f"{error.filename}: {cause}" if error.filename else cause]
    return None


def image_refused(args: argparse.Namespace | None, error: Exception) -> str:
    """The image that a command was given, where the error is about that image and no other."""
    if getattr(error, "reason", "") != "BAD_IMAGE":
        return ""
    given = [getattr(args, "image", None), *(getattr(args, "images", None) or ())]
    named = [name for name in given if isinstance(name, str)]
    return named[0] if len(named) == 1 else ""


def document(error: Exception) -> dict[str, object]:
    """What `--json` prints of an error that `explain` has lines for."""
    if isinstance(error, ProofsightError):
        return error.to_dict()
    lines = explain(error) or [str(error)]
    return {"code": "INVALID_ARGUMENT", "reason": "UNREADABLE", "message": lines[0]}
