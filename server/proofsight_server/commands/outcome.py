"""How a command ends: what went wrong in one line on standard error, and the exit code."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from proofsight_server.commands.findings import finding_lines

if TYPE_CHECKING:
    from proofsight_server.errors import Issue

REFUSED = 1  # wrong usage is 2, and argparse's own
INTERRUPTED = 130


def outcome(body: Callable[[], int], *, json: bool = False) -> int:
    """Run a command's body and answer its exit code; errors are told, never traced.

    A refused program gets a line per finding, see `finding_lines`; Ctrl-C is 130.  With `json`,
    an error is also the one document on standard output.  A defect of ours, and a library that
    is not installed, are left to the caller.
    """
    try:
        return body()
    except KeyboardInterrupt:
        print("proofsight: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        lines = _lines(error)
        if not lines:
            raise
        for line in lines:
            print(f"proofsight: error: {' '.join(line.split())}", file=sys.stderr)
        if json:
            print_json({"error": _document(error)})
        return REFUSED


def print_json(document: Mapping[str, object]) -> None:
    """Print the one JSON document of a command on standard output."""
    print(json_text.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))


def _lines(error: Exception) -> list[str]:
    """What to tell of an error that a person can do something about; nothing for a defect."""
    import proofsight.errors
    from proofsight_server.errors import BadProgram, ProofsightError

    if isinstance(error, BadProgram) and error.issues:
        return list(finding_lines(error.issues, _placed))
    if isinstance(error, ProofsightError | proofsight.errors.ProofsightError):
        return [error.message]
    if isinstance(error, OSError):
        about = "" if error.filename is None else f"{error.filename}: "
        return [f"{about}{error.strerror or error}"]
    return []


def _placed(issue: Issue) -> str:
    where = f"{issue.file}:{issue.line}:{issue.column}" if issue.line else issue.file
    return f"{where}: {issue.message}"


def _document(error: Exception) -> dict[str, object]:
    issues = [asdict(issue) for issue in getattr(error, "issues", ())]
    return {
        "reason": getattr(error, "reason", "SYSTEM"),
        "message": getattr(error, "message", str(error)),
        "metadata": getattr(error, "metadata", {}),
        **({"issues": issues} if issues else {}),
    }
