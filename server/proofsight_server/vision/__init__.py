"""Vision: images, data sets, networks, and the values read off their layers."""

from proofsight_server.vision.dataset import Dataset, Split, open_dataset
from proofsight_server.vision.image import ImageLimits, decode
from proofsight_server.vision.layers import LayerInfo, inspect, resolve
from proofsight_server.vision.network import Network, build_model, load_network, save_weights
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.preprocessing_options import PreprocessingOptions
from proofsight_server.vision.probe import Observation, Probe, Reader, probe_split
from proofsight_server.vision.training import TrainingReport, TrainOptions, train

__all__ = [
    "Dataset",
    "ImageLimits",
    "LayerInfo",
    "Network",
    "Observation",
    "Preprocessing",
    "PreprocessingOptions",
    "Probe",
    "Reader",
    "Split",
    "TrainOptions",
    "TrainingReport",
    "build_model",
    "decode",
    "inspect",
    "load_network",
    "open_dataset",
    "probe_split",
    "resolve",
    "save_weights",
    "train",
]
