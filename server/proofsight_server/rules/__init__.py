"""Rules: programs as data, their learners, evaluation on many images, and metrics."""

from proofsight_server.rules.baselines import Baseline, baselines
from proofsight_server.rules.check import check_learner
from proofsight_server.rules.evaluation import Evaluation, Evaluator, evaluate, firing
from proofsight_server.rules.fold import DefaultRules
from proofsight_server.rules.learner import LEARNERS, Learner, build_learner
from proofsight_server.rules.metrics import Metrics, Size, Summary, measure, size_of, summarise
from proofsight_server.rules.program import Program, Rule
from proofsight_server.rules.statistics import with_counts, with_layers
from proofsight_server.rules.tree import TreeRules

__all__ = [
    "LEARNERS",
    "Baseline",
    "DefaultRules",
    "Evaluation",
    "Evaluator",
    "Learner",
    "Metrics",
    "Program",
    "Rule",
    "Size",
    "Summary",
    "TreeRules",
    "baselines",
    "build_learner",
    "check_learner",
    "evaluate",
    "firing",
    "measure",
    "size_of",
    "summarise",
    "with_counts",
    "with_layers",
]
