"""Circuits: the kernels of a network that a target needs, scored, masked, tested and cut out."""

from proofsight_server.circuits.score_options import ScoreOptions
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.scoring import score
from proofsight_server.circuits.selection import effective, ranks, select
from proofsight_server.circuits.target import Direction, Logit, Loss, Target, Unit, parse_target
from proofsight_server.circuits.target_network import Parameters, TargetNetwork, target_network

__all__ = [
    "Direction",
    "Logit",
    "Loss",
    "Mask",
    "Parameters",
    "ScoreOptions",
    "Scores",
    "Target",
    "TargetNetwork",
    "Unit",
    "effective",
    "parse_target",
    "ranks",
    "score",
    "select",
    "target_network",
]
