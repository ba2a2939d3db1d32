"""A model's networks for other programs: an ONNX file each, and beside them what makes an answer of their logits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.core.bundle import Bundle, NetworkEstimator
from app.core.errors import InputError
from app.core.files import write_atomically
from app.core.jobs import Report

NOTICE = "Research use only, not a medical device."


def write_onnx(bundle: Bundle, path: Path, report: Report) -> dict[str, Any]:
    """Write every network of a model as ONNX, each compared with the network itself before it is kept.

    Parameters
    ----------
    bundle : Bundle
        Of networks that answer themselves.
    path : Path
        Ends in .onnx; of several networks each gets its number before that.
    report : callable
        Told before each network.

    Returns
    -------
    dict
        `written`, the files, the last of which says in JSON how the pictures are cut and what makes a probability of
        the networks' logits; `difference`, the largest in probability that was found; `opset`.

    Raises
    ------
    InputError
        The model has no networks that answer, or the file is called otherwise.
    BundleError
        A file's answers are not the network's.
    """
    specification, network = bundle.specification, bundle.specification.recipe.network
    estimator = specification.estimator
    if not isinstance(estimator, NetworkEstimator) or network is None or estimator.slope is None:
        given = "from pooled features, by a classifier" if bundle.takes_pictures else "without a network"
        raise InputError(f"The model '{specification.name}' answers {given}, and ONNX files hold networks that answer.",
                         "Export it as a .zip file.")  # fmt: skip
    if path.suffix.lower() != ".onnx":
        raise InputError(f"'{path.name}' does not end in .onnx.", "Name the file so.")
    from app.core.deep.estimator import list_networks
    from app.core.deep.export import INPUT, OUTPUT, export_onnx

    modules, recipes = bundle.pictures.networks.modules, [each for each, _, _ in list_networks(network)]
    files, differences, opset = [], list[float](), 0
    for place, (module, recipe) in enumerate(zip(modules, recipes, strict=True)):
        report(place / len(modules), f"Writing network {place + 1} of {len(modules)}")
        own = path if len(modules) == 1 else path.with_name(f"{path.stem}-{place + 1}{path.suffix}")
        found = export_onnx(module, recipe.crop.shape, own)
        opset = found.opset
        differences.append(found.difference)
        files.append({"file": own.name, "network": recipe.kind, "aggregate": recipe.aggregate})
    described = {
        "model": specification.name,
        "digest": specification.digest,
        "purpose": specification.purpose,
        "notice": NOTICE,
        "demonstration": specification.demonstration,
        "classes": list(specification.classes),
        "files": files,
        "input": INPUT,
        "output": OUTPUT,
        "contract": estimator.contract,
        "prep": specification.recipe.prep.model_dump(mode="json"),
        "crop": network.crop.model_dump(mode="json"),
        "combine": network.combine,
        "calibration": {"slope": estimator.slope, "intercept": estimator.intercept},
    }
    beside = path.with_suffix(".json")
    write_atomically(beside, (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode())
    written = [*(str(path.with_name(each["file"])) for each in files), str(beside)]
    return {"written": written, "difference": max(differences), "opset": opset}
