"""Results as the engine gives them: a synthetic cohort of 85 cases at 12 sites, two models, and what is simpler."""

import math

import numpy as np

CLASSES = ["lipoma", "ALT/WDL"]
TITLES = {"volume": "tumour volume alone", "longest_diameter": "the longest diameter alone"}
SEPARATION = {"logistic": 0.75, "forest": 0.6, "volume": 0.45, "longest_diameter": 0.35}


def steps(labels, scores):
    """ROC by its definition: at each score as a threshold, shares of either class at or above it."""
    cuts = np.unique(scores)[::-1]
    return ([0.0, *((scores[labels == 0] >= cut).mean() for cut in cuts)],
            [0.0, *((scores[labels == 1] >= cut).mean() for cut in cuts)], [None, *cuts.tolist()])


def area(labels, scores):
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)


def scores_of(labels, rng):
    return {name: 1 / (1 + np.exp(-(gap * (labels - 0.5) * 2 + rng.normal(0, 1.1, len(labels)))))
            for name, gap in SEPARATION.items()}


def roc_of(labels, scores, rng, folds=0):
    area_, lines, grid = area(labels, scores), [], np.linspace(0, 1, 101)
    for _fold in range(folds):
        rows = np.concatenate([rng.choice(np.flatnonzero(labels == side), 5, replace=False) for side in (0, 1)])
        fpr, tpr, _cuts = steps(labels[rows], scores[rows])
        lines.append({"auc": area(labels[rows], scores[rows]), "fpr": fpr, "tpr": tpr})
    fpr, tpr, cuts = steps(labels, scores)
    mean = np.interp(grid, fpr, tpr)
    half = 0.16 * np.sqrt(mean * (1 - mean) + 0.01)
    spread = float(np.std([line["auc"] for line in lines])) if lines else 0.09
    return {"auc": {"mean": area_, "sd": spread, "interval": [area_ - 0.09, min(area_ + 0.07, 1.0)]},
            "grid": grid.tolist(), "mean": mean.tolist(), "low": np.clip(mean - half, 0, 1).tolist(),
            "high": np.clip(mean + half, 0, 1).tolist(), "pooled": {"fpr": fpr, "tpr": tpr, "threshold": cuts},
            **({"folds": lines} if folds else {})}


def calibration_of(labels, scores):
    order = np.argsort(scores)
    bins = []
    for part in np.array_split(order, 6):
        share, cases = float(labels[part].mean()), len(part)
        half = 1.96 * math.sqrt(max(share * (1 - share), 0.05) / cases)
        bins.append({"predicted": float(scores[part].mean()), "observed": share, "low": max(share - half, 0.0),
                     "high": min(share + half, 1.0), "cases": cases})
    predicted = np.linspace(0.05, 0.95, 40)
    observed = 1 / (1 + np.exp(-0.8 * np.log(predicted / (1 - predicted)) - 0.1))
    return {"slope": 0.81, "slope_interval": [0.52, 1.1], "intercept": 0.1, "intercept_interval": [-0.4, 0.6],
            "curve": {"predicted": predicted.tolist(), "observed": observed.tolist(),
                      "low": np.clip(observed - 0.13, 0, 1).tolist(), "high": np.clip(observed + 0.13, 0, 1).tolist()},
            "bins": bins}


def decision_of(labels, scores):
    cuts = np.linspace(0.01, 0.99, 99)
    found = np.array([(scores[labels == 1] >= cut).mean() for cut in cuts])
    cleared = np.array([(scores[labels == 0] < cut).mean() for cut in cuts])
    benefit = labels.mean() * found - (1 - labels.mean()) * cuts / (1 - cuts) * (1 - cleared)
    return {"threshold": cuts.tolist(), "sensitivity": found.tolist(), "specificity": cleared.tolist(),
            "benefit": benefit.tolist(), "low": (benefit - 0.08).tolist(), "high": (benefit + 0.08).tolist()}


def points_of(labels, scores):
    found = []
    for name, cut in (("sensitivity 98%", float(np.sort(scores[labels == 1])[0])), ("youden", 0.48)):
        sought, cleared = float((scores[labels == 1] >= cut).mean()), float((scores[labels == 0] < cut).mean())
        found.append({"name": name, "threshold": cut, "default": name == "youden",
                      "over_folds": {"mean": cut, "low": cut - 0.05, "high": cut + 0.05},
                      "sensitivity": {"value": sought, "interval": [sought - 0.1, min(sought + 0.05, 1)]},
                      "specificity": {"value": cleared, "interval": [cleared - 0.1, min(cleared + 0.05, 1)]}})
    return found


def metrics_of(labels, scores):
    called = scores >= 0.48
    rows = [("AUC", area(labels, scores), 0.09, "Share of pairs that are ranked the right way round."),
            ("Accuracy", float((called == labels).mean()), 0.08, "Share of calls that are right."),
            ("Sensitivity", float(called[labels == 1].mean()), 0.1, "Share of ALT/WDL found."),
            ("Specificity", float((~called)[labels == 0].mean()), 0.1, "Share of lipoma cleared."),
            ("Brier score", float(((scores - labels) ** 2).mean()), 0.04, "Mean squared error of the probability.")]
    return [{"name": name, "mean": value, "sd": sd, "low": value - sd, "high": min(value + sd, 1.0),
             "explained": explained} for name, value, sd, explained in rows]


def training(seed=1, cases=85, sites=12):
    """A training run of two models."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(cases) < 45 * cases // 85).astype(int)
    scores = scores_of(labels, rng)
    models = ["logistic", "forest"]
    names = [*models, "volume", "longest_diameter"]
    site = [f"S{number:02d}" for number in rng.integers(1, sites + 1, cases)]
    by_site = []
    for name in sorted(set(site)):
        own = np.array([each == name for each in site])
        both = 2 <= labels[own].sum() <= own.sum() - 2
        found = area(labels[own], scores["logistic"][own]) if both else None
        by_site.append({"site": name, "cases": int(own.sum()), "positive": int(labels[own].sum()), "auc": found,
                        "note": "", "low": None if found is None else max(found - 0.25, 0.0),
                        "high": None if found is None else min(found + 0.15, 1.0)})
    features = ["original_glcm_Contrast", "original_shape_Sphericity", "volume_ml", "original_firstorder_Entropy",
                "log-sigma-3-0-mm_glszm_LargeAreaEmphasis", "original_ngtdm_Busyness", "original_glrlm_RunEntropy"]
    importance = [{"feature": name, "share": share, "mean": mean, "low": mean * 0.7, "high": mean * 1.5}
                  for name, share, mean in zip(features, (1, 0.98, 0.92, 0.7, 0.52, 0.3, 0.12),
                                               (0.3, 0.22, 0.2, 0.12, 0.08, 0.05, 0.03), strict=True)]
    aucs = {name: area(labels, scores[name]) for name in names}
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1:]]
    gain = aucs["logistic"] - aucs["volume"]
    return {
        "kind": "training", "title": "Lipoma against ALT/WDL", "name": "lipoma-2024", "classes": CLASSES,
        "models": models, "saved": "logistic", "primary": "logistic", "comparators": ["volume", "longest_diameter"],
        "titles": TITLES, "target": "new patients of the same sites", "imbalance": None,
        "new_sites": {"logistic": {"mean": 0.81, "interval": [0.62, 0.92], "target": "new patients of new sites"}},
        "headline": {"comparator": "volume", "mean": gain, "interval": [gain - 0.07, gain + 0.08], "p_value": 0.04,
                     "sentence": f"The model adds to tumour volume alone: AUC {gain:+.3f}, 95 % interval "
                                 f"{gain - 0.07:+.3f} to {gain + 0.08:+.3f}."},
        "selection": {"chosen": "logistic", "sentence": "logistic was declared primary before the run: its AUC needs "
                                                        "no correction for choice."},
        "roc": {name: roc_of(labels, scores[name], rng, 50 if name in models else 0) for name in names},
        "metrics": {name: metrics_of(labels, scores[name]) for name in names},
        "calibration": {name: calibration_of(labels, scores[name]) for name in models},
        "decision": {name: decision_of(labels, scores[name]) for name in names},
        "cases": {"row": rng.permutation(cases).tolist(), "label": labels.tolist(), "site": site,
                  "case": [f"P{number:03d}" for number in range(1, cases + 1)],
                  "files": [{"id": f"P{number:03d}", "images": {"t1": f"/data/P{number:03d}/t1.nii"},
                             "mask": f"/data/P{number:03d}/gtv.nii"} if number % 9 else None
                            for number in range(1, cases + 1)],
                  "probability": {name: scores[name].tolist() for name in names},
                  "verdict": {name: [CLASSES[int(each >= 0.48)] for each in scores[name]] for name in names}},
        "points": {name: points_of(labels, scores[name]) for name in models},
        "sites": by_site,
        "subgroups": [{"variable": "vendor", "level": "GE", "positives": 17, "negatives": 16, "note": "",
                       "auc": {"mean": 0.88, "interval": [0.73, 0.96]}},
                      {"variable": "vendor", "level": "Toshiba", "positives": 1, "negatives": 1, "auc": None,
                       "note": "1 positive and 1 negative patients: too few for an AUC."}],
        "advice": {"recommendation": "Most sites have fewer than 5 cases: harmonising them would fit noise.",
                   "cautions": ["Site and label go together (Cramer's V 0.4)."]},
        "importance": {"logistic": importance, "forest": importance[:4]},
        "audit": {"honest": {"auc": {"mean": aucs["logistic"], "sd": 0.07, "interval": [aucs["logistic"] - 0.09,
                                                                                         aucs["logistic"] + 0.07]}},
                  "fits": 50, "naive": {"auc": {"mean": aucs["logistic"] + 0.07, "sd": 0.05, "interval": None},
                            "optimism": 0.07,
                            "sentence": f"Harmonised with the label as a covariate and selected on the whole table, "
                                        f"the same cases would have shown an AUC of {aucs['logistic'] + 0.07:.3f} in "
                                        f"place of {aucs['logistic']:.3f}: +0.070 that no new patient would have "
                                        "confirmed."},
                  "permuted": {"auc": {"mean": 0.5, "sd": 0.06, "each": rng.normal(0.5, 0.06, 99).tolist()},
                               "observed": aucs["logistic"], "p_value": 0.01, "permutations": 99}},
        "learning_curve": {"points": [{"share": share, "patients": round(76 * share), "auc": {
            "mean": aucs["logistic"] - 0.25 * (1 - share) ** 1.5,
            "interval": [aucs["logistic"] - 0.25 * (1 - share) ** 1.5 - 0.09 - 0.05 * (1 - share),
                         min(aucs["logistic"] - 0.25 * (1 - share) ** 1.5 + 0.08, 1)]}}
            for share in (0.2, 0.4, 0.6, 0.8, 1.0)]},
        "fits": {name: [{"repeat": number // 10 + 1, "fold": number % 10 + 1, "trained_rows": 76,
                         "trained_patients": 76, "tested_rows": 9, "patients_on_both_sides": 0,
                         "settings": {"C": 0.1}, "thresholds": {"youden": 0.48}} for number in range(50)]
                 for name in models},
        "comparisons": [{"a": a, "b": b, "mean": aucs[a] - aucs[b],
                         "interval": [aucs[a] - aucs[b] - 0.08, aucs[a] - aucs[b] + 0.08], "p_value": 0.04,
                         "how": "corrected resampled t"} for a, b in pairs],
        "cautions": [{"code": "site_imbalance", "message": "The share of positive cases differs between sites: a model "
                                                           "that recognises the site looks better here than it will "
                                                           "at another one."}],
        "methods": "85 cases of 12 sites were split into 10 folds by patient, five times. In each training part the "
                   "features were standardised and selected, and a logistic regression was tuned by an inner "
                   "cross-validation.",
        "flow": [{"what": "rows in the table", "cases": 88}, {"what": "with a label", "cases": 86},
                 {"what": "measured", "cases": 85}],
        "versions": {"liposcope": "0.9.0", "numpy": "2.1.0", "scikit-learn": "1.5.2"},
        "folds": {"k": 10, "repeats": 5, "scheme": "patients", "digest": "0f3a9c"},
    }


def external(seed=5, cases=40):
    """An external test of the saved model: no folds, no mean, pooled curves alone."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(cases) < 15).astype(int)
    scores = scores_of(labels, rng)
    names = ["logistic", "volume"]
    curves = {}
    for name in names:
        fpr, tpr, cuts = steps(labels, scores[name])
        mean = area(labels, scores[name])
        curves[name] = {"auc": {"mean": mean, "sd": None, "interval": [mean - 0.12, min(mean + 0.1, 1.0)]},
                        **{key: roc_of(labels, scores[name], rng)[key] for key in ("grid", "mean", "low", "high")},
                        "folds": [], "pooled": {"fpr": fpr, "tpr": tpr, "threshold": cuts}}
    return {"kind": "external", "title": "lipoma-2024 on other cases", "name": "lipoma-2024", "classes": CLASSES,
            "models": ["logistic"], "saved": "logistic", "primary": "logistic", "comparators": ["volume"],
            "titles": TITLES, "internal": {"auc": {"mean": 0.92, "interval": [0.83, 0.99]},
                                           "target": "new patients of the same sites"},
            "target": "these cases, which the model was not fitted to",
            "headline": {"comparator": "volume", "mean": 0.02, "interval": [-0.1, 0.14], "p_value": 0.7,
                         "sentence": "The model adds nothing measurable to tumour volume alone."},
            "selection": None, "roc": curves, "metrics": {"logistic": metrics_of(labels, scores["logistic"])},
            "calibration": {"logistic": calibration_of(labels, scores["logistic"])},
            "decision": {name: decision_of(labels, scores[name]) for name in names},
            "cases": {"row": list(range(cases)), "label": labels.tolist(), "site": [None] * cases,
                      "case": [None] * cases, "files": [None] * cases,
                      "probability": {"logistic": scores["logistic"].tolist()}, "verdict": {}},
            "points": {"logistic": points_of(labels, scores["logistic"])}, "sites": [], "subgroups": [], "advice": None,
            "importance": {}, "audit": None, "learning_curve": None, "fits": {}, "comparisons": [], "cautions": [],
            "methods": "", "flow": [], "versions": {}, "folds": {}}
