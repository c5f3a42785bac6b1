"""What the arguments of a command mean: the client, the knowledge base, the class."""

from __future__ import annotations

import argparse
import os

from proofsight.client import Client
from proofsight.errors import InvalidArgument, UnknownClass
from proofsight.toplevel import only_knowledge_base


def connect(args: argparse.Namespace) -> Client:
    """The client for `--server`, `--timeout`, and PROOFSIGHT_TOKEN."""
    return Client(
        args.server, token=os.environ.get("PROOFSIGHT_TOKEN") or None, timeout=args.timeout
    )


def knowledge_base(client: Client, args: argparse.Namespace) -> str:
    """`--kb` or, where the server has only one knowledge base, that one. Exits on wrong usage."""
    if args.kb:
        return str(args.kb)
    try:
        return only_knowledge_base(client)
    except InvalidArgument as error:
        parser: argparse.ArgumentParser = args.parser
        parser.error(error.message)


def class_name(client: Client, kb: str, wanted: str) -> str:
    """The class that `--class` names, by name or by its index in the network's output."""
    if not wanted.isdecimal():
        return wanted
    classes = client.revision(kb).classes
    if wanted in classes:
        return wanted
    if int(wanted) < len(classes):
        return classes[int(wanted)]
    raise UnknownClass(
        f"no class {wanted}: {kb} has the classes 0..{len(classes) - 1} ({', '.join(classes)})",
        "NOT_FOUND",
        "UNKNOWN_CLASS",
        {"name": wanted},
    )
