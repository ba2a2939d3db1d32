"""The methods of a run in sentences, made from the settings that it ran with and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.core.evaluate.comparators import TITLES
from app.core.report.network_methods import describe_network

Values = Mapping[str, Any]
CLASSIFIERS = {
    "logistic": "logistic regression",
    "svm": "a support vector machine",
    "rf": "a random forest",
    "extra": "extremely randomised trees",
    "mlp": "a multi-layer perceptron",
    "xgb": "gradient-boosted trees (XGBoost)",
    "average": "the mean calibrated log odds",
}
_REGIONS = {"image": "of the whole image", "body": "of the body", "around_tumour": "of a ring around the tumour"}
_SELECTIONS = {
    "univariate": "the features with the best univariate AUC were kept",
    "rfe": "features were eliminated recursively by a linear support vector machine",
    "l1": "features were kept by an L1 penalty",
    "pca": "features were replaced by their principal components",
}
_BALANCES = {
    "weights": "classes were weighted inversely to their size",
    "over": "the rarer class was oversampled in training rows",
    "under": "the commoner class was undersampled in training rows",
    "smote": "the rarer class was oversampled by SMOTE in training rows",
}
_IMPUTERS = {"median": "their median", "mean": "their mean", "neighbours": "their nearest neighbours"}
_SMALL = {"leave": "were left as measured", "merge": "were merged", "mean_only": "were corrected in location alone"}
_UNSEEN = {
    "refuse": "are refused",
    "nearest": "are treated as sites of the same protocol",
    "leave": "are left as measured",
    "estimate": "are estimated from their own cases without the outcome",
}
_CALIBRATION = (
    "Calibration is a regression of the outcome on the log odds with patients as clusters; its curve is a logistic "
    "regression on a natural cubic spline with knots at the 10th, 50th and 90th percentiles. Net benefit follows "
    "Vickers and Elkin."
)
TEXTURES = {"glcm", "glrlm", "glszm", "gldzm", "gldm", "ngtdm", "ngldm"}
PLATT = "Platt's logistic curve on inner held-out scores"


def describe_methods(specification: Values, evaluation: Values) -> str:
    """Describe how the models of a run were made and judged.

    Parameters
    ----------
    specification : mapping
        The JSON of the saved model's bundle.
    evaluation : mapping
        Its `evaluation.json`; `recipes` (by model) where there were several, `measured` (whether images were measured).

    Returns
    -------
    str
        One paragraph.
    """
    recipe = specification["recipe"]
    saved = _saved(evaluation)
    recipes = {saved: recipe, **(evaluation.get("recipes") or {})}
    sentences = [
        describe_cohort(specification, evaluation),
        *describe_images(recipe, evaluation.get("measured"), len(specification["features"])),
        *([] if _answers_itself(recipe) else describe_harmonisation(recipe.get("harmonise") or {})),
        *(sentence for name, each in recipes.items() for sentence in _describe_learning(name, each, specification)),
        *describe_validation(evaluation),
        *describe_figures(evaluation),
    ]
    return " ".join(sentences)


def _answers_itself(recipe: Values) -> bool:
    """Whether networks alone give the answer."""
    return bool(recipe.get("network")) and recipe["network"]["use"] == "score"


def _describe_learning(name: str, recipe: Values, specification: Values) -> Iterator[str]:
    """A recipe's networks, and the classifier where it has one."""
    network, estimator = recipe.get("network"), specification.get("estimator") or {}
    if network:
        own = name == specification["recipe"]["name"] and estimator.get("kind") == "network"
        count = sum(each["parameters"] for each in estimator["networks"]) if own else None
        yield from describe_network(name, network, count)
    if not _answers_itself(recipe):
        yield from describe_model(name, recipe["model"])


def describe_test(evaluation: Values) -> str:
    """Describe how a saved model was tested on cases from elsewhere, in one paragraph."""
    counts = ", ".join(f"{count} {name}" for name, count in evaluation["counts"].items())
    default = evaluation.get("default_point")
    fixed = f" The operating point '{default}' was fixed before." if default else ""
    return (
        f"The saved model '{evaluation['model']}' scored {evaluation['cases']} cases ({counts}) that it was not "
        f"fitted to, each as it would be scored in use; nothing was fitted or chosen on them.{fixed} "
        "AUCs and their paired differences have DeLong's intervals, AUCs on the logit scale; shares have Wilson's; "
        f"bands of the ROC curve come from 1000 bootstrap resamples of either class. {_CALIBRATION}"
    )


def describe_cohort(specification: Values, evaluation: Values) -> str:
    """Cases, classes, patients and sites, and what the label column was."""
    counts = specification["training"]["counts"]
    total, (negative, positive) = sum(counts.values()), specification["classes"]
    columns = evaluation.get("columns") or {}
    label = f" The outcome is the column '{columns['label']}'." if columns.get("label") else ""
    failed = evaluation.get("cases_failed") or 0
    lost = f" {failed} further {_plural(failed, 'case')} could not be measured." if failed else ""
    return (
        f"The cohort held {specification['training']['description']} ({counts.get(negative, 0)} {negative}, "
        f"{counts.get(positive, 0)} {positive}; {100 * counts.get(positive, 0) / max(total, 1):.0f} % "
        f"{positive}).{label}{lost}"
    )


def describe_images(recipe: Values, measured: bool | None, count: int) -> Iterator[str]:
    """Preprocessing and what was measured, unless the table held the features already."""
    features = recipe.get("features")
    if recipe.get("network"):
        yield describe_preparation(recipe.get("prep") or {})
        if features:
            yield f"{count} features entered learning, those that were measured on the images beside the pooled ones."
        return
    if measured is False or not features:
        yield f"{count} features were taken from a table as they were; how they were measured is not known here."
        return
    if measured is None:
        yield f"{count} features were learned from. Where the program measured them itself, it did so as follows."
    yield describe_preparation(recipe.get("prep") or {})
    yield _describe_measures(features, count)


def describe_preparation(prep: Values) -> str:
    """What was done to the images before they were measured."""
    steps = []
    if n4 := prep.get("n4"):
        each = n4["iterations"]
        iterations = ", ".join(map(str, each)) if isinstance(each, (list, tuple)) else f"{each}"
        steps.append(
            f"bias-field correction by N4 ({n4['engine']}; mask {n4['mask']}, {n4['levels']} levels of at most "
            f"{iterations} iterations, mesh {n4['mesh']}, shrink {n4['shrink']}, tolerance {n4['tolerance']:g}, bias "
            f"FWHM {n4['fwhm']:g}, noise {n4['noise']:g}, {n4['bins']} bins"
            + (", field scaled to a mean of one)" if n4["mean_one"] else ")")
        )
    if normalise := prep.get("normalise"):
        region = _REGIONS[normalise["region"]]
        steps.append(
            {
                "zscore": f"intensities to mean 0 and standard deviation 1 {region}",
                "percentile": f"intensities scaled between percentiles {normalise['low']:g} and {normalise['high']:g} "
                f"{region}",
                "nyul": f"histogram standardisation by Nyul and Udupa {region}",
            }[normalise["method"]]
            + (f" ({normalise['margin_mm']:g} mm)" if normalise["region"] == "around_tumour" else "")
        )
    if resample := prep.get("resample"):
        sizes = " x ".join(f"{size:g}" if size else "as it was" for size in resample["spacing"])
        steps.append(f"resampling to {sizes} mm ({resample['interpolation']})")
    if prep.get("crop_margin_mm") is not None:
        steps.append(f"cropping to the tumour's box plus {prep['crop_margin_mm']:g} mm")
    return f"Images were prepared by {_list(steps)}." if steps else "Images were used as they are stored."


def _describe_measures(features: Values, count: int) -> str:
    whose = "pyradiomics 3.0.1" if features["standard"] == "pyradiomics" else "the IBSI reference manual"
    grey = (
        f"bins of width {features['bin_width']:g}"
        if features["bin_width"]
        else f"{features['bin_count']} bins"
        if features["bin_count"]
        else "the standard's own bins"
    )
    if features["bin_origin"] is not None:
        grey += f" from {features['bin_origin']:g} up"
    where = "within slices" if features["force_2d"] else "in three dimensions"
    how = {"average": "averaged over directions", "merge": "with the directions' matrices merged"}
    first = (
        f"{count} features entered learning, from the classes {', '.join(features['classes'])} as {whose} defines "
        f"them, with grey levels in {grey}"
    )
    if TEXTURES & set(features["classes"]):
        slices = f", slices {'merged' if features['slices'] == 'merge' else 'averaged'}" if features["force_2d"] else ""
        first += f", texture {where} and {how[features['aggregation']]}{slices}"
    told = [first]
    filters = [_with_settings(name, settings) for name, settings in features["filters"].items() if name != "Original"]
    if filters:
        told.append(f"on the images as they are and after the filters {', '.join(filters)}")
    if quantised := features["quantised"]:
        kept = "kept apart" if quantised["keep_levels"] else "averaged over them"
        levels = ", ".join(map(str, quantised["levels"]))
        told.append(
            f"texture ({', '.join(quantised['classes'])}) after equal-probability quantisation to {levels} levels, "
            f"{kept}"
        )
    if gabor := features["gabor"]:
        kept = "kept apart" if gabor["keep_orientations"] else "averaged over directions"
        told.append(
            f"a Gabor bank of {gabor['scales']} scales and {gabor['orientations']} directions from a wavelength of "
            f"{gabor['wavelength']:g} voxels, {kept}"
        )
    if features["largest_slice"]:
        told.append("the same on the slice where the tumour is largest")
    if features["stable_only"]:
        told.append("features that a second outline would not reproduce were left out")
    if features["names"]:
        told.append(f"only {len(features['names'])} named features were kept")
    return "; ".join(told) + "."


def describe_harmonisation(harmonise: Values) -> Iterator[str]:
    """Whether and how site effects were removed."""
    if harmonise.get("method", "none") == "none":
        yield "Features were not harmonised between sites."
        return
    kept = [*harmonise["covariates"], *harmonise["categorical"]]
    shrunk = "parametric" if harmonise["parametric"] else "non-parametric"
    yield (
        f"Features were harmonised by ComBat by '{harmonise['batch']}', fitted on training rows alone and never with "
        "the outcome ("
        + (f"{shrunk} empirical Bayes" if harmonise["eb"] else "without empirical Bayes")
        + (", locations only" if harmonise["mean_only"] else "")
        + (f", reference '{harmonise['reference']}'" if harmonise["reference"] else "")
        + (f", keeping {', '.join(kept)}" if kept else "")
        + f"); sites with fewer than {harmonise['at_least']} training cases {_SMALL[harmonise['small']]}; sites not "
        f"seen in training {_UNSEEN[harmonise['unseen']]}"
        + (f" (by {', '.join(harmonise['group_by'])})" if harmonise["group_by"] else "")
        + (f" once they have {harmonise['estimate_from']}" if harmonise["unseen"] == "estimate" else "")
        + "."
    )


def describe_model(name: str, model: Values) -> Iterator[str]:
    """What was fitted in every fold: imputation, scaling, selection, classifier, its search, calibration."""
    if model["kind"] == "average":
        yield f"'{name}' is {CLASSIFIERS['average']} of {len(model['members'])} models, each calibrated on its own:"
        for place, member in enumerate(model["members"], start=1):
            yield f"({place}) {_describe_classifier(member)};"
        yield f"the average was calibrated by {PLATT}." if model["calibrate"] == "platt" else "not calibrated again."
    else:
        calibrated = f"calibrated by {PLATT}" if model["calibrate"] == "platt" else "not calibrated"
        yield f"'{name}' is {_describe_classifier(model)}; {calibrated}."
    search = model["search"]
    times = f", repeated {search['repeats']} times" if search["repeats"] > 1 else ""
    yield (
        f"Settings, calibration, thresholds and conformal quantiles came from {search['folds']} inner folds of the "
        f"training rows{times}, grouped by patient."
    )


def _describe_classifier(model: Values) -> str:
    select, search = model["select"], model["search"]
    parts = [CLASSIFIERS[model["kind"]]]
    parts.append(f"missing values replaced by {_IMPUTERS[model['impute']]}")
    if select["only"]:
        parts.append(f"on {len(select['only'])} named features")
    if select["correlation"] is not None:
        parts.append(f"the later of two features with a Spearman correlation above {select['correlation']:g} left out")
    if select["method"] != "none":
        parts.append(f"{_SELECTIONS[select['method']]} ({_selection_settings(select)})")
    scales = {"standard": "features standardised", "normal": "normal scores of the features' ranks"}
    if model["scale"] in scales:
        parts.append(scales[model["scale"]])
    if model["balance"] in _BALANCES:
        parts.append(_BALANCES[model["balance"]])
    grids = [_grid(grid) for grid in search["grid"]]
    if grids:
        tried = f"{search['candidates']} combinations drawn of " if search["candidates"] else ""
        parts.append(f"searched over {tried}{' or '.join(grids)}")
    elif model["kind"] == "logistic":
        parts.append(f"L2 penalty C = {model['strength']:g}")
    return ", ".join(parts)


def _selection_settings(select: Values) -> str:
    words = {
        "univariate": f"{_numbers(select['numbers'])} of them",
        "rfe": f"{_numbers(select['numbers'])} kept, C {_numbers(select['strengths'])}, step {select['step']:g}",
        "l1": f"C {_numbers(select['strengths'])}",
        "pca": f"{_numbers(select['shares'])} of the variance",
    }
    return words[select["method"]]


def _grid(grid: Values) -> str:
    return "; ".join(f"{name} {_numbers(values)}" for name, values in grid.items())


def _numbers(values: Sequence[Any]) -> str:
    return " / ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def describe_validation(evaluation: Values) -> Iterator[str]:
    """Folds, what they hold out, and what stood beside the models."""
    folds = evaluation["folds"]
    k, repeats, scheme = folds["k"], folds["repeats"], folds.get("scheme", "patients")
    drawn = {
        "patients": f"{k} folds, stratified by outcome and grouped by patient, drawn {repeats} "
        f"{_plural(repeats, 'time')}",
        "sites": f"{k} groups of whole sites, drawn {repeats} {_plural(repeats, 'time')}",
        "fixed": f"{max(k, 1) * repeats} splits that were given",
    }[scheme]
    seed = f" with the seed {evaluation['seed']}" if evaluation.get("seed") is not None else ""
    yield (
        f"All models were cross-validated on the same {drawn}{seed} (SHA-256 of the folds {folds['digest'][:16]}); "
        "everything that learns was fitted again in every fold, on its training rows alone."
    )
    if any(figures.get("auc_new_site") for figures in evaluation["models"].values()):
        yield "For new sites, whole sites were held out, and cases compared within them alone."
    found = evaluation.get("comparators", {})
    beside = [TITLES.get(name, name) for name in dict.fromkeys((*TITLES, *found)) if name in found]
    if beside:
        yield f"On the same folds stood {_list(beside)}; the difference from the best of them is the headline."
    if (primary := evaluation.get("primary")) and len(evaluation["models"]) > 1:
        saved = _saved(evaluation)
        chosen = "" if saved == primary else f"; the saved model '{saved}' was chosen after seeing the results"
        yield f"The primary model '{primary}' was declared before the run{chosen}."
    if evaluation.get("audit"):
        yield (
            "The audit repeated the run with selection and harmonisation on the whole table, and with permuted labels; "
            "neither can be saved."
        )


def describe_figures(evaluation: Values) -> Iterator[str]:
    """How the figures and their intervals were taken."""
    auc = evaluation["models"][_saved(evaluation)]["auc"]
    by = auc.get("interval_by") or "corrected resampled t over the folds"
    yield (
        f"The AUC is the mean within folds; its 95 % interval is on the logit scale ({by}), as are paired "
        "differences, without the logit; shares have Wilson's interval, widened by Nadeau and Bengio's factor, at each "
        "fold's own threshold."
    )
    yield _CALIBRATION


def _saved(evaluation: Values) -> str:
    return str(evaluation.get("saved") or next(iter(evaluation["models"])))


def _with_settings(name: str, settings: Values) -> str:
    told = ", ".join(f"{key} {value}" for key, value in settings.items())
    return f"{name} ({told})" if told else name


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
