"""A network as ONNX, for other programs: written only when it answers there as it does here."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from app.core.errors import BundleError
from app.core.files import staged_file

TOLERANCE = 1e-5
INPUT, OUTPUT = "pictures", "logits"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    path : Path
    difference : float
        The largest between the two programs' probabilities, over the pictures that were tried.
    opset : int
        The version of ONNX's operators.
    """

    path: Path
    difference: float
    opset: int


def export_onnx(
    network: nn.Module, shape: Sequence[int], path: Path, tolerance: float = TOLERANCE, seed: int = 0
) -> Exported:
    """Write a network as one ONNX file, and compare its answers with the network's own.

    Parameters
    ----------
    network : Module
        From pictures (n, channels, ...) to logits (n,); left as it is.
    shape : sequence of int
        Of one picture: (channels, y, x) or (channels, z, y, x); the number of pictures stays free.
    path : Path
        Ends in .onnx.
    tolerance : float
        The most that a probability may differ.
    seed : int
        Of the pictures that are tried.

    Raises
    ------
    BundleError
        The file's answers are not the network's; nothing is written then.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # on Windows its events take another way

    training, place = network.training, next(network.parameters()).device
    rng = np.random.default_rng(seed)
    try:
        network.cpu().eval()
        with staged_file(path) as stage:
            with _quiet():
                # two pictures: an axis of length 1 would be taken for a fixed one
                example = torch.from_numpy(rng.normal(size=(2, *shape)).astype(np.float32))
                program = torch.onnx.export(
                    network,
                    (example,),
                    input_names=[INPUT],
                    output_names=[OUTPUT],
                    dynamic_shapes=({0: torch.export.Dim("n")},),
                    dynamo=True,
                    verbose=False,
                )
                if program is None:
                    raise BundleError("The network could not be written as ONNX.", "Use the bundle itself.")
                program.save(str(stage), external_data=False)
            session = onnxruntime.InferenceSession(str(stage), providers=["CPUExecutionProvider"])
            difference = 0.0
            for count in (1, 3):
                tried = rng.normal(size=(count, *shape)).astype(np.float32)
                with torch.no_grad():
                    ours = torch.sigmoid(network(torch.from_numpy(tried)).double()).numpy()
                theirs = np.asarray(session.run([OUTPUT], {INPUT: tried})[0], dtype=np.float64)
                difference = max(difference, float(np.abs(ours - 1 / (1 + np.exp(-theirs))).max()))
            if not difference <= tolerance:
                raise BundleError(
                    f"Probabilities in ONNX differ by {difference:.1e}, at most {tolerance:.0e} expected.",
                    "Use the bundle itself.",
                )
    finally:
        network.to(place).train(training)
    return Exported(path, difference, int(program.model.opset_imports[""]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to its developers off the log."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
