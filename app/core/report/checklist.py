"""Reporting checklists: each item computed from the run, declared by the user, or missing. Never more than is known.

The items are our own short words for those of CLEAR and METRICS; whoever reports a study reads the papers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.core.paths import program_folder

Values = Mapping[str, Any]
State = Literal["computed", "declared", "missing", "does not apply"]
CHECKLISTS = ("clear", "metrics")
CASES_PER_FEATURE = 10
"""Features that cases bear by the usual rule of thumb; METRICS leaves the number to its reader."""


@dataclass(frozen=True)
class Marked:
    """One item as it stands.

    Parameters
    ----------
    number : int
        In the checklist.
    section, item : str
    state : str
        'computed', 'declared', 'missing' or 'does not apply'.
    evidence : str
        What it is that was computed or declared; of a missing one, the name to declare it by, if it has one.
    """

    number: int
    section: str
    item: str
    state: State
    evidence: str


@dataclass(frozen=True)
class Checklist:
    """A checklist with every item marked."""

    name: str
    title: str
    citation: str
    items: tuple[Marked, ...]

    def count(self, state: State) -> int:
        """Items in that state."""
        return sum(item.state == state for item in self.items)


def mark_checklist(name: str, view: Values, specification: Values, declared: Mapping[str, str]) -> Checklist:
    """Mark every item of a checklist.

    Parameters
    ----------
    name : {'clear', 'metrics'}
    view : mapping
        What `view_results` returns of a training run.
    specification : mapping
        The JSON of its bundle.
    declared : mapping of str to str
        What the user says of the study, by the names that the checklist's items are declared by.
    """
    path = program_folder() / "resources" / "report" / f"{name}.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    said = {"purpose": specification["purpose"], **{key: text for key, text in declared.items() if text.strip()}}
    items = tuple(_mark(item, view, specification, said) for item in told["items"])
    return Checklist(told["name"], told["title"], told["citation"], items)


def declarable() -> tuple[str, ...]:
    """Every name that something can be declared by, in the order of the checklists."""
    folder = program_folder() / "resources" / "report"
    lists = [json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["items"] for name in CHECKLISTS]
    return tuple(dict.fromkeys(item["declare"] for items in lists for item in items if item["declare"]))


def _mark(item: Values, view: Values, specification: Values, said: Mapping[str, str]) -> Marked:
    number, section, words = item["number"], item["section"], item["item"]
    if item["evidence"] == "networks" and not specification["recipe"].get("network"):
        return Marked(number, section, words, "does not apply", "No network was trained from images.")
    found = EVIDENCE[item["evidence"]](view, specification) if item["evidence"] else ""
    if found:
        return Marked(number, section, words, "computed", found)
    if item["declare"] in said:
        return Marked(number, section, words, "declared", said[item["declare"]])
    return Marked(number, section, words, "missing", f"declare as '{item['declare']}'" if item["declare"] else "")


def _measured(view: Values, specification: Values) -> Values | None:
    features: Values | None = specification["recipe"].get("features")
    return None if view.get("measured") is False else features


def _network(specification: Values) -> Values | None:
    network: Values | None = specification["recipe"].get("network")
    return network


def _answers_itself(specification: Values) -> bool:
    network = _network(specification)
    return network is not None and network["use"] == "score"


def _is_prepared(view: Values, specification: Values) -> bool:
    return _measured(view, specification) is not None or _network(specification) is not None


def _robustness(_view: Values, specification: Values) -> str:
    network = _network(specification)
    if network is None:
        return ""
    varied = "Training pictures were varied. " if network["augment"] else ""
    return (
        f"{varied}Every interval holds the spread over outlines and varied pictures; where the networks look is "
        "measured for every case."
    )


def _preparation(view: Values, specification: Values) -> str:
    if not _is_prepared(view, specification):
        return ""
    done = [name for name, step in specification["recipe"]["prep"].items() if step is not None]
    return f"Methods: {', '.join(done)}." if done else "Methods: images as they are stored."


def _resampling(view: Values, specification: Values) -> str:
    if not _is_prepared(view, specification):
        return ""
    resample = specification["recipe"]["prep"].get("resample")
    return f"Settings: {resample['spacing']} mm, {resample['interpolation']}." if resample else "None was done."


def _discretisation(view: Values, specification: Values) -> str:
    features = _measured(view, specification)
    if features is None:
        return ""
    found = [f"{name.replace('_', ' ')} {features[name]}" for name in ("bin_width", "bin_count") if features[name]]
    return f"Settings: {found[0] if found else 'as the standard has it'}."


def _image_types(view: Values, specification: Values) -> str:
    features = _measured(view, specification)
    return "" if features is None else f"Settings: {', '.join(features['filters'])}."


def _software(view: Values, specification: Values) -> str:
    features = _measured(view, specification)
    return "" if features is None else f"LipoScope {view['versions'].get('liposcope', '')}, {features['standard']}."


def _feature_classes(view: Values, specification: Values) -> str:
    features = _measured(view, specification)
    return "" if features is None else f"Settings: {', '.join(features['classes'])}."


def _settings(view: Values, specification: Values) -> str:
    told = "Settings: every one of them, at the end of this report and in the model's bundle."
    return told if _is_prepared(view, specification) else ""


def _missing_values(_view: Values, specification: Values) -> str:
    if _answers_itself(specification):
        return "A picture has none; a case without one is left out."
    return f"Replaced by {specification['recipe']['model']['impute']}, within folds."


def _balance(_view: Values, specification: Values) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in specification["training"]["counts"].items())
    network = _network(specification)
    how = specification["recipe"]["model"]["balance"] if network is None else network["fit"]["imbalance"]
    return f"{counts}; balancing: {how}."


def _outline_stability(view: Values, specification: Values) -> str:
    features = _measured(view, specification)
    stable = features is not None and features["stable_only"]
    return "Features that other outlines would not reproduce were left out." if stable else ""


def _selection(_view: Values, specification: Values) -> str:
    if _answers_itself(specification):
        return "None: the networks find their own features in the training rows."
    select = specification["recipe"]["model"]["select"]
    members = specification["recipe"]["model"]["members"]
    methods = {select["method"], *(member["select"]["method"] for member in members)} - {"none"}
    return f"{', '.join(sorted(methods)) or 'none'}, within folds."


def _redundancy(view: Values, specification: Values) -> str:
    model = specification["recipe"]["model"]
    selects = [each["select"] for each in (model, *model["members"])]
    limits = [each["correlation"] for each in selects if each["correlation"] is not None]
    if limits:
        return f"Spearman correlation above {limits[0]:g}, within folds."
    return _selection(view, specification) if any(each["method"] in ("rfe", "l1", "pca") for each in selects) else ""


def _count_features(_view: Values, specification: Values) -> str:
    if _answers_itself(specification):
        return "None: the networks learned from pictures."
    return f"{len(specification['features'])} features entered learning."


def _scaling(_view: Values, specification: Values) -> str:
    if _answers_itself(specification):
        return f"Pictures: {specification['recipe']['network']['crop']['scale']}, each case by itself."
    return f"Scaling: {specification['recipe']['model']['scale']}, within folds."


def _algorithm(_view: Values, specification: Values) -> str:
    network, kind = _network(specification), specification["recipe"]["model"]["kind"]
    if network is None:
        return f"Methods: {kind}."
    return f"Methods: {network['kind']}." if _answers_itself(specification) else f"Methods: {network['kind']}, {kind}."


def _tuning(_view: Values, specification: Values) -> str:
    if _answers_itself(specification):
        return "Methods: epochs by patients of the training rows who were only watched."
    return "Methods: inner folds of the training rows."


def _dimensions(_view: Values, specification: Values) -> str:
    if _answers_itself(specification):
        return ""
    cases, features = sum(specification["training"]["counts"].values()), len(specification["features"])
    return f"{features} features of {cases} cases." if features * CASES_PER_FEATURE <= cases else ""


def _confounders(view: Values, _specification: Values) -> str:
    told = [f"{view['titles'].get(name, name)} on the same folds" for name in view["comparators"]]
    told += [str(view["advice"]["recommendation"])] if view.get("advice") else []
    return "; ".join(told)


def _without_radiomics(view: Values, _specification: Values) -> str:
    return str(view["headline"]["sentence"]) if view["headline"] and view["comparators"] else ""


def _importance(view: Values, _specification: Values) -> str:
    ranked = view["importance"].get(view["saved"]) or ()
    return f"Figure: {len(ranked)} features with the share of folds that kept them." if ranked else ""


def _sample_size(view: Values, _specification: Values) -> str:
    return "Learning curve." if view["learning_curve"] else ""


def _centres(_view: Values, specification: Values) -> str:
    sites = len(specification["training"].get("sites") or ())
    return f"{sites} sites." if sites > 1 else ""


def _clinical(view: Values, _specification: Values) -> str:
    return "The clinical variables alone, on the same folds." if "clinical" in view["comparators"] else ""


def _calibration(view: Values, _specification: Values) -> str:
    slope = view["calibration"].get(view["saved"], {}).get("slope")
    return "" if slope is None else f"Slope {slope:.2f}, with its curve and band."


def _uncertainty(_view: Values, _specification: Values) -> str:
    return "95 % intervals that allow for the training sample; conformal verdicts for single cases."


def _performance(view: Values, _specification: Values) -> str:
    auc = view["roc"][view["saved"]]["auc"]
    span = "" if auc["interval"] is None else f" ({auc['interval'][0]:.3f} to {auc['interval'][1]:.3f})"
    return f"AUC {auc['mean']:.3f}{span}, {view['target']}."


def _split(view: Values, _specification: Values) -> str:
    return f"{view['folds']['repeats']} x {view['folds']['k']} folds by patient; digest {view['folds']['digest'][:16]}."


def _comparison(view: Values, _specification: Values) -> str:
    return "Paired differences of fold AUCs." if view["comparisons"] or view["comparators"] else ""


def _model_choice(view: Values, _specification: Values) -> str:
    told = (view.get("selection") or {}).get("sentence")
    return str(told or f"'{view['saved']}' was the only model, declared before the run.")


def _simple(view: Values, specification: Values) -> str:
    if specification["recipe"]["model"]["kind"] == "logistic" and _network(specification) is None:
        return "The model itself is a logistic regression."
    return "Logistic regression on tumour size." if {"volume", "longest_diameter"} & set(view["comparators"]) else ""


EVIDENCE: Mapping[str, Callable[[Values, Values], str]] = {
    "guidelines": lambda *_: "This report goes through CLEAR and METRICS.",
    "sample_size": _sample_size,
    "pipeline": lambda *_: "Flow and methods.",
    "split": _split,
    "clinical": _clinical,
    "preparation": _preparation,
    "resampling": _resampling,
    "discretisation": _discretisation,
    "image_types": _image_types,
    "software": _software,
    "feature_classes": _feature_classes,
    "feature_count": _count_features,
    "settings": _settings,
    "missing_values": _missing_values,
    "balance": _balance,
    "outline_stability": _outline_stability,
    "scaling": _scaling,
    "selection": _selection,
    "redundancy": _redundancy,
    "dimensions": _dimensions,
    "algorithm": _algorithm,
    "tuning": _tuning,
    "networks": _robustness,
    "confounders": _confounders,
    "model_choice": _model_choice,
    "testing": lambda *_: "Internal, by cross-validation.",
    "internal": _split,
    "external": lambda *_: "",
    "figures": lambda *_: "Discrimination, calibration, net benefit, and figures at stated operating points.",
    "uncertainty": _uncertainty,
    "comparison": _comparison,
    "without_radiomics": _without_radiomics,
    "simple_model": _simple,
    "importance": _importance,
    "performance": _performance,
    "calibration": _calibration,
    "centres": _centres,
    "program": lambda view, _specification: f"LipoScope {view['versions'].get('liposcope', '')} is open source.",
}
