"""`proofsight flip`."""

from __future__ import annotations

import argparse

from proofsight.cli import pictures
from proofsight.cli.asking import kb_of, target_of
from proofsight.cli.printing import print_json, say
from proofsight.cli.session import connect


def flip(args: argparse.Namespace) -> int:
    """Print what would change the decision."""
    subject = pictures.subject(args.image)
    with connect(args) as client:
        kb = kb_of(client, args, subject)
        answer = client.flip(
            subject,
            kb,
            target_of(client, args, subject, kb),
            max_steps=args.max_steps,
            max_inferences=args.max_inferences,
            entry=args.entry,
        )
    if args.form == "json":
        print_json({"image": args.image, **answer.to_dict()})
    elif args.form == "prolog":
        print(f"{answer.to_prolog()}.")
    else:
        print(answer)
        if answer.predictions and answer.predictions[0].class_name != answer.decision.class_name:
            network = answer.predictions[0]
            say(
                f"the network itself says {network.class_name} ({network.probability:.3f}); "
                "these changes are to the program's decision"
            )
    return 0
