"""The methods of networks in sentences, made from the settings that they were trained with and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]
KINDS = {
    "cnn-2019": "the convolutional network of the 2019 study (three blocks and a dense layer of 32)",
    "cnn-small": "a small residual network with group norm and pooling over all places",
    "resnet18": "a ResNet-18",
    "resnet50": "a ResNet-50",
    "densenet121": "a DenseNet-121",
    "resnet10-3d": "a three-dimensional ResNet-10",
    "resnet18-3d": "a three-dimensional ResNet-18",
}
_SETS = {
    "largest_slice": "the slice where the tumour is largest",
    "slices": "every slice with tumour",
    "neighbours": "every slice with tumour, with the slice before and the slice after it as channels",
    "volume": "one volume of the tumour",
}
_SCALES = {
    "zscore": "grey values of a case's pictures brought to mean 0 and standard deviation 1",
    "percentile": "grey values between a case's percentiles 1 and 99 brought to 0 to 1",
    "unit": "grey values of a case brought from lowest and highest to 0 and 1",
    "nyul": "the standard histogram brought to 0 to 1",
}
_IMBALANCE = {
    "weights": "classes were weighted in the loss inversely to their size",
    "oversample": "the rarer class was drawn more often",
    "focal": "the loss was focal",
}
_OPTIMISERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "stochastic gradient descent with Nesterov momentum"}
_PARTS = {"head": "the layers behind the pooled features", "last": "these and the last block", "all": "all layers"}
_WORDS = {2: "two", 3: "three", 4: "four", 5: "five"}


def describe_network(name: str, network: Values, parameters: int | None = None) -> Iterator[str]:
    """Tell what a network saw, what it is and how it was trained.

    Parameters
    ----------
    name : str
        Of the recipe.
    network : mapping
        The JSON of its `NetworkRecipe`.
    parameters : int, optional
        Of all networks of the saved model together.
    """
    members = (network, *network["members"])
    whole = " and ".join(KINDS[each["kind"]] for each in members)
    counted = "" if parameters is None else f" ({parameters:,} parameters in all)"
    yield f"'{name}' {'takes pooled features of' if _gives_features(network) else 'is'} {whole}{counted}."
    yield _describe_pictures(network["crop"])
    if not network["tune"]:
        yield f"It was not trained further: its weights are those of {_file(network)}."
        return
    for each in members:
        yield _describe_start(each)
        yield _describe_training(each["fit"])
    if varied := _describe_variants(network["augment"]):
        yield f"Training pictures were varied: {varied}."
    if _gives_features(network):
        return
    if sum(each["copies"] for each in members) > 1:
        how = {"mean": "their mean probability", "majority": "the majority of their votes"}[network["combine"]]
        yield f"{_count(sum(each['copies'] for each in members))} networks, each watched on other patients, gave {how}."
    if network["crop"]["set"] in ("slices", "neighbours"):
        yield f"A case's probability is the {_aggregate(network)} of its slices'."
    yield "Scores were calibrated by Platt's logistic curve on what networks said of patients whom they only watched."


def list_weights(estimator: Values) -> list[str]:
    """Where a saved model's networks started from: each file with its hash, origin and licence, in one line."""
    return [
        f"{each['file']} (SHA-256 {each['sha256']}). {each['found']}".strip() for each in estimator.get("weights") or ()
    ]


def tabulate_networks(told: Values) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], str]:
    """Put a saved model's networks into a table.

    Parameters
    ----------
    told : mapping
        As `workflows.results_network.describe_networks` gives it.

    Returns
    -------
    header, rows : tuple
    note : str
        The device, where the weights came from, and what happened on the way.
    """
    histories = list(told["history"]) or [[] for _ in told["networks"]]
    rows = []
    for place, (network, history) in enumerate(zip(told["networks"], histories, strict=True), 1):
        kept: Values = next((each for each in history if each["epoch"] == network["epoch"]), {})
        loss = kept.get("watched")
        rows.append((
            f"{place}: {network['kind']}",
            f"{network['parameters']:,}",
            str(network["epochs"] or "not trained further"),
            str(network["epoch"] or ""),
            "not known" if loss is None else f"{loss:.3f}",
        ))  # fmt: skip
    parts = [f"Trained on {told['device']}."] if told["device"] else []
    parts += [f"Started from {line}" for line in list_weights(told)]
    header = ("Network", "Parameters", "Epochs", "Epoch kept", "Loss of those watched")
    return header, tuple(rows), " ".join([*parts, *told["notices"]])


def _gives_features(network: Values) -> bool:
    return bool(network["use"] == "features")


def _describe_pictures(crop: Values) -> str:
    side = f"{crop['size']} x {crop['size']} pixels"
    parts = [_SETS[crop["set"]]]
    if crop["set"] in ("slices", "neighbours"):
        parts += [f"those with less than {crop['smallest']:.0%} of the largest left out"] if crop["smallest"] else []
        parts += [f"at most {crop['most']} of a case"] if crop["most"] is not None else []
    if crop["field_mm"] is not None:
        parts.append(f"a field of {crop['field_mm']:g} mm around the tumour")
    else:
        square = ", the shorter side widened to a square" if crop["square"] else ""
        parts.append(f"the tumour's box with {crop['margin_mm']:g} mm around it{square}")
    parts.append(f"{side} x {crop['depth']} slices" if crop["set"] == "volume" else side)
    parts.append(_SCALES[crop["scale"]])
    parts += ["the grey picture three times"] if crop["channels"] == 3 and crop["set"] != "neighbours" else []
    parts += ["the outline as a further channel"] if crop["mask_channel"] else []
    return f"It looks at {', '.join(parts)}."


def _describe_start(network: Values) -> str:
    if network["weights"] is None:
        return f"A {network['kind']} was trained from random weights."
    shown = ", with ImageNet's mean and deviation" if network["standardise"] == "imagenet" else ""
    return f"A {network['kind']} started from {_file(network)}{shown}."


def _file(network: Values) -> str:
    origin = f", {network['weights_origin']}" if network["weights_origin"] else ""
    licence = f", licence {network['weights_licence']}" if network["weights_licence"] else ""
    return f"the file {network['weights']}{origin}{licence}"


def _describe_training(fit: Values) -> str:
    optimiser = _OPTIMISERS[fit["optimiser"]]
    decay = f", weight decay {fit['weight_decay']:g}" if fit["weight_decay"] else ""
    if fit["phases"]:
        phases = [f"{_PARTS[each['unfreeze']]} for at most {each['epochs']} epochs at a learning rate of "
                  f"{each['rate']:g}" for each in fit["phases"]]  # fmt: skip
        lead = f"{optimiser}{decay} trained {', then '.join(phases)}, {fit['batch']} pictures at a time"
    else:
        lead = (f"{optimiser} (learning rate {fit['rate']:g}{decay}) trained it for at most {fit['epochs']} epochs, "
                f"{fit['batch']} pictures at a time")  # fmt: skip
    parts = [lead]
    parts += [f"earlier blocks learned at {fit['earlier']:g} of the rate of the next"] if fit["earlier"] < 1 else []
    if fit["watched"]:
        parts.append(
            f"{fit['watched']:.0%} of the training patients were only watched: the rate was multiplied by "
            f"{fit['plateau_factor']:g} after {fit['plateau_patience']} epochs without a lower loss on them, training "
            f"stopped after {fit['stop_patience']}, and the epoch with the lowest was kept"
        )
    parts += [_IMBALANCE[fit["imbalance"]]] if fit["imbalance"] in _IMBALANCE else []
    return "; ".join(parts) + "."


def _describe_variants(augment: Values | None) -> str:
    if augment is None:
        return ""
    flips = {"none": "", "horizontal": "mirrored left to right", "both": "mirrored along each axis"}[augment["flip"]]
    parts = [flips] if flips else []
    parts += [f"zoomed by up to {augment['zoom']:.0%}"] if augment["zoom"] else []
    parts += [f"turned by up to {augment['rotate']:g} degrees"] if augment["rotate"] else []
    parts += [f"shifted by up to {augment['shift']:.0%} of their side"] if augment["shift"] else []
    parts += [f"with noise of up to {augment['noise']:.0%} of their deviation"] if augment["noise"] else []
    parts += [f"with a gamma of up to e^{augment['gamma']:g} either way"] if augment["gamma"] else []
    return ", ".join(parts)


def _aggregate(network: Values) -> str:
    return {"mean": "mean", "max": "highest"}[network["aggregate"]]


def _count(number: int) -> str:
    return _WORDS.get(number, str(number)).capitalize()
