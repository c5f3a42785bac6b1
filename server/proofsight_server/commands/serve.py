"""Serve the knowledge bases of a repository over gRPC."""

from __future__ import annotations

import argparse
from pathlib import Path

from proofsight_server.commands.arguments import ALLOW_MODELS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("repository", metavar="R", type=Path, help="the repository's directory")
    parser.add_argument("--host", metavar="H", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", metavar="P", type=int, help="port; 0 takes a free one (50051)")
    parser.add_argument("--workers", metavar="N", type=int, help="Prolog processes per revision")
    parser.add_argument(
        "--insecure",
        action="store_const",
        const=True,
        help="allow plain text without credentials beyond this machine",
    )
    parser.add_argument("--config", metavar="F", type=Path, help="settings in TOML")
    parser.add_argument(
        "--allow-model",
        metavar="MODULE:FACTORY",
        action="append",
        help="a model factory that manifests may name; may be repeated (or "
        f"{ALLOW_MODELS}, with commas)",
    )
    parser.add_argument(
        "--score-cache",
        metavar="DIR",
        help="where scores of masked images are kept for interactions asked for again (nowhere)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    from proofsight_server.commands.outcome import outcome

    return outcome(lambda: _serve(args))


def _serve(args: argparse.Namespace) -> int:
    import asyncio
    import logging
    import sys

    from proofsight_server.knowledge.repository import Repository
    from proofsight_server.serving.configuration import configure
    from proofsight_server.serving.listening import require_free

    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    flags = {
        "host": args.host,
        "port": args.port,
        "workers": args.workers,
        "insecure": args.insecure,
        "score_cache": args.score_cache,
        "allow_models": tuple(args.allow_model) if args.allow_model else None,
    }
    sourced = configure(flags, file=args.config)
    for line in sourced.lines():
        print(line, file=sys.stderr)
    repository = Repository(args.repository, must_exist=True)
    require_free(sourced.configuration.host, sourced.configuration.port)
    # Torch takes seconds to load: what is refused is refused before.
    from proofsight_server.serving.server import Server

    def ready(server: Server) -> None:
        served = [kb for kb in repository.knowledge_bases() if server.catalogue.serves(kb)]
        print(
            f"proofsight: serving {', '.join(served) or 'nothing yet'} on {server.address}",
            file=sys.stderr,
            flush=True,
        )

    async def main() -> None:
        await Server(repository, sourced.configuration).run(ready)

    asyncio.run(main())
    return 0
