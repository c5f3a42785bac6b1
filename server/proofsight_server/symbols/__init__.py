"""Symbols: features of a network's layers, the propositions over them, and facts."""

from proofsight_server.symbols.check import check_quantiser
from proofsight_server.symbols.facts import Facts, to_prolog
from proofsight_server.symbols.feature import Cell, Feature, Layer, Proposition, features_of
from proofsight_server.symbols.quantisation import Quantisation
from proofsight_server.symbols.quantiser import Quantiser
from proofsight_server.symbols.reduction import MapReducer, reduce_map
from proofsight_server.symbols.threshold import THRESHOLDERS, Thresholder

__all__ = [
    "THRESHOLDERS",
    "Cell",
    "Facts",
    "Feature",
    "Layer",
    "MapReducer",
    "Proposition",
    "Quantisation",
    "Quantiser",
    "Thresholder",
    "check_quantiser",
    "features_of",
    "reduce_map",
    "to_prolog",
]
