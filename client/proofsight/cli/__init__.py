"""The command line: `proofsight`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

REFUSED = 1
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run `proofsight` with `argv` (default: the process's own) and give its exit code.

    0; 1 for a refused request or a failed check; 2 for wrong usage; 130 for Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        _make_utf8(stream)
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("proofsight: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. What is still buffered goes nowhere, quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(argv: list[str]) -> int:
    from proofsight.cli.parsing import parse
    from proofsight.cli.refusals import document, explain, image_refused

    args = None
    try:
        args = parse(argv)
        code: int = args.run(args)
        return code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else REFUSED
    except BrokenPipeError:
        raise
    except Exception as error:
        lines = explain(error)
        if lines is None:
            raise
        name = image_refused(args, error)
        for line in lines:
            told = line if not name or name in line else f"{name}: {line}"
            print(f"proofsight: error: {told}", file=sys.stderr)
        if getattr(args, "form", "") == "json" and not getattr(args, "answered", False):
            from proofsight.cli.printing import print_json

            print_json({"error": document(error)})
        return REFUSED


def _make_utf8(stream: object) -> None:
    """Trees, JSON and Prolog are UTF-8 wherever they are written, whatever the locale says."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")
