"""Exploring a table of features before anything is learned from it: the story, and what it leaves on the disk.

Everything here is measured on the cases that it describes. It shows where to look, and is no estimate for others.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.core.data import Caution
from app.core.errors import InputError
from app.core.evaluate.correlation import cluster, correlate
from app.core.evaluate.embedding import embed_tsne, embed_umap, neighbours_of, perplexity_of, standardise
from app.core.figures.images import draw_histograms, draw_slices
from app.core.figures.matrix import draw_matrix
from app.core.figures.page import Drawing, publish
from app.core.figures.ranking import draw_areas, draw_label_correlation
from app.core.figures.scatter import draw_map
from app.core.figures.volume import draw_surrogates
from app.core.files import write_atomically
from app.core.jobs import Report
from app.core.requests import ExploreRequest
from app.core.workflows.cohort_images import Survey, draw_samples, survey_images
from app.core.workflows.feature_table import FeatureTable, read_features
from app.core.workflows.findings import SURROGATE, Array, Findings, Matrix, caution_readers, compare_features, telling

_ALL = (
    "correlation_pearson", "correlation_spearman", "label_correlation", "univariate_auc", "volume_surrogates", "tsne",
    "umap", "slices", "histograms",
)  # fmt: skip


def explore(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Look at a table of features.

    Parameters
    ----------
    request : dict
        An `ExploreRequest`.

    Returns
    -------
    dict
        `rows` (cases), `features`, `label` (column, positive, counts), `volume` (column, limit), `table` (see
        `compare_features`), `matrix` (names, titles and groups in the order drawn; paths of .npy, float32),
        `embeddings`, `groups` and `patients` in the table's order, `slices` and `histograms` (None without images),
        `figures`, `cautions`, `written`.

    Raises
    ------
    InputError
        The table, its roles or the source of the images cannot be used, or `out` is a file.
    """
    ask = ExploreRequest.parse(request)
    folder = Path(ask.out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder.name} is a file; the figures need a folder.", "Choose a folder.")
    if ask.images and not Path(ask.images).exists():
        raise InputError(f"There is nothing at {Path(ask.images).name}.", "Choose a table of cases, or a folder.")
    laid, looked = (0.3, 0.75) if ask.images else (0.6, 0.6)
    report(0.0, "Reading the table")
    table = read_features(ask)
    report(0.03, f"Correlating {len(table.names)} features of {len(table.rows)} cases")
    spearman = correlate(table.rows, "spearman")
    report(0.07, "Ordering the features")
    order = cluster(spearman)
    places = np.ix_(order.order, order.order)
    matrices = {"spearman": spearman[places].astype(np.float32)}
    del spearman  # thousands of features: hundreds of megabytes
    matrices["pearson"] = correlate(table.rows, "pearson")[places].astype(np.float32)
    report(0.1, "Comparing each feature with the label and with volume")
    features = compare_features(table)
    maps, cautions = lay_out(table, ask, partial(_within, report, 0.15, laid))
    survey = survey_images(ask.images, partial(_within, report, laid, looked)) if ask.images else None
    histograms = draw_samples(survey.samples) if survey is not None and survey.cases else None
    found = Findings(table, features, matrices, order, maps, survey, histograms)
    figures = draw_figures(found, folder, partial(_within, report, looked, 0.98))
    cautions = [*table.cautions, *cautions, *caution_readers(found)]
    written = write_numbers(found, figures, cautions, folder)
    report(1.0, "Done")
    return {**_as_json(found, folder), "figures": figures, "cautions": [asdict(each) for each in cautions],
            "written": written}  # fmt: skip


def lay_out(table: FeatureTable, ask: ExploreRequest, report: Report) -> tuple[dict[str, Array], list[Caution]]:
    """Make the maps asked for, or say why there are none."""
    if not ask.embeddings:
        return {}, []
    try:
        points = standardise(table.rows)
    except InputError as error:
        return {}, [Caution("no_map", error.message)]
    rng = np.random.default_rng(ask.seed)
    report(0.0, "Laying out the cases by t-SNE")
    maps = {"tsne": embed_tsne(points, rng)}
    report(0.4, "Laying out the cases by UMAP (half a minute the first time)")
    return maps | {"umap": embed_umap(points, rng)}, []


def draw_figures(found: Findings, folder: Path, report: Report) -> list[dict[str, str]]:
    """Draw and write every figure that the findings allow, and remove those of an earlier look at the same place."""
    drawings = _plan(found)
    figures = []
    for index, draw in enumerate(drawings):
        report(index / len(drawings), f"Drawing figure {index + 1} of {len(drawings)}")
        figures.append(publish(draw, folder))
    for name in set(_ALL) - {figure["name"] for figure in figures}:
        for ending in ("svg", "png", "csv"):
            (folder / f"{name}.{ending}").unlink(missing_ok=True)
    return figures


def write_numbers(found: Findings, figures: list[dict[str, str]], cautions: list[Caution], folder: Path) -> list[str]:
    """Write matrices, the table of features and the captions; list every file of the exploration."""
    for method, matrix in found.matrices.items():
        write_atomically(folder / f"{method}.npy", _as_npy(matrix))
    write_atomically(folder / "features.csv", _as_csv(found.features))
    said = [f"{figure['name']}: {figure['title']}. {figure['caption']}" for figure in figures]
    said += [caution.message for caution in cautions]
    write_atomically(folder / "captions.txt", ("\n\n".join(said) + "\n").encode())
    made = [figure[ending] for figure in figures for ending in ("svg", "png", "csv")]
    names = (*(f"{method}.npy" for method in found.matrices), "features.csv", "captions.txt")
    return made + [str(folder / name) for name in names]


def _plan(found: Findings) -> list[Callable[[], Drawing]]:
    table, cases = found.table, len(found.table.rows)
    groups = found.order.groups.tolist()
    plan: list[Callable[[], Drawing]] = [
        partial(draw_matrix, matrix, found.names, found.titles, groups, method, cases)
        for method, matrix in found.matrices.items()
    ]
    if found.positive is not None:
        plan.append(partial(draw_label_correlation, found.features, found.positive, sum(table.counts)))
        plan.append(partial(draw_areas, found.features, found.positive, table.counts, found.volume_area))
    if table.volume is not None:
        measured = int(np.isfinite(table.volume).sum())
        plan.append(partial(draw_surrogates, found.features, found.positive, SURROGATE, measured))
    settings = {"tsne": f"perplexity {perplexity_of(cases):.3g}", "umap": f"{neighbours_of(cases)} neighbours"}
    for kind, points in found.maps.items():
        plan.append(partial(draw_map, points, telling(found.groups()), table.patients, kind, settings[kind]))
    if found.survey is not None and found.histograms is not None:
        seen, names = telling(found.image_groups()), found.survey.cases
        plan.append(partial(draw_slices, found.survey.slices, _boxes(seen), names))
        by = next((name for name in ("vendor", "site", "label") if name in seen), "")
        edges, shares = found.histograms.edges, found.histograms.shares
        plan.append(partial(draw_histograms, edges, shares, seen.get(by, ("",) * len(names)), by, names))
    return plan


def _boxes(groups: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: members for name, members in groups.items() if name != "site"}


def _as_json(found: Findings, folder: Path) -> dict[str, Any]:
    table = found.table
    label = {"column": table.label, "positive": table.positive, "counts": list(table.counts)}
    return {
        "rows": len(table.rows),
        "features": list(table.names),
        "label": label if table.label else None,
        "volume": {"column": table.volume_name, "limit": SURROGATE} if table.volume_name else None,
        "table": found.features,
        "matrix": {
            "names": found.names,
            "titles": found.titles,
            "groups": found.order.groups.tolist(),
            **{method: str(folder / f"{method}.npy") for method in found.matrices},
        },
        "embeddings": {kind: points.tolist() for kind, points in found.maps.items()},
        "groups": {name: [each or None for each in members] for name, members in found.groups().items()},
        "patients": list(table.patients),
        "slices": _slices(found.survey, found) if found.survey is not None else None,
        "histograms": found.histograms.as_json(found.survey) if found.histograms and found.survey else None,
    }


def _slices(survey: Survey, found: Findings) -> dict[str, Any]:
    seen = _boxes(telling(found.image_groups()))
    by = next((name for name in ("vendor", "label") if name in seen), "")
    counts: dict[str, list[int]] = {}
    for group, count in zip(seen.get(by, ("all scans",) * len(survey.cases)), survey.slices, strict=True):
        counts.setdefault(group or "not known", []).append(count)
    named = {"by": by, "cases": list(survey.cases), "counts": list(survey.slices), "sequence": survey.sequence}
    return {"groups": dict(sorted(counts.items())), **named}


def _within(report: Report, low: float, high: float, done: float, message: str) -> None:
    report(low + (high - low) * done, message)


def _as_npy(matrix: Matrix) -> bytes:
    stream = io.BytesIO()
    np.save(stream, matrix)
    return stream.getvalue()


def _as_csv(features: list[dict[str, Any]]) -> bytes:
    import pandas as pd

    text: str = pd.DataFrame(features).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return text.encode()
