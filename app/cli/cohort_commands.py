"""The sub-commands that work on a whole cohort: boxes, histogram, features, quality, stability, exploration."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from app.cli.requests import add_anonymise, landmarks_request, path_word
from app.cli.text import show_exploration, show_extraction, show_quality, show_stability, show_written
from app.core.workflows.recipes import find_recipe

Command = Callable[..., argparse.ArgumentParser]
COHORT = "a table of cases, or a folder of images and outlines"


def add_cohort_commands(command: Command) -> None:
    """Add the sub-commands.

    Parameters
    ----------
    command : callable
        Makes one: (name, workflow, request, show, help=...) -> parser.
    """
    boxes = command("boxes", "tumour_boxes", boxes_request, show_written, help="tumour boxes, a row per slice")
    boxes.add_argument("cohort", type=path_word, metavar="COHORT", help=COHORT)
    boxes.add_argument("--out", type=path_word, required=True, metavar="FILE")

    landmarks = command("landmarks", "learn_landmarks", landmarks_request, show_written, help="a cohort's histogram")
    landmarks.add_argument("cohort", type=path_word)
    landmarks.add_argument("--sequence", metavar="SEQ", help="default: each case's first")
    landmarks.add_argument("--out", type=path_word, required=True, metavar="FILE")

    extract = command("extract", "extract", extract_request, show_extraction, help="features of every case, as a table")
    extract.add_argument("cohort", type=path_word, metavar="COHORT", help=COHORT)
    extract.add_argument("--recipe", required=True, metavar="NAME|FILE", help="what to measure")
    extract.add_argument("--out", type=path_word, required=True, metavar="FILE", help=".csv, .xlsx or .parquet")
    extract.add_argument("--cache", type=path_word, metavar="DIR", help="where finished cases are kept")
    extract.set_defaults(cluster=None, tls_ca=None, tls_cert=None, tls_key=None)
    if not getattr(sys, "frozen", False):  # the program that is installed opens no connections
        extract.add_argument("--cluster", metavar="URL", help="a Dask scheduler, as in tls://scheduler:8786")
        for name, what in (("ca", "certificate authority"), ("cert", "certificate"), ("key", "private key")):
            extract.add_argument(f"--tls-{name}", type=path_word, metavar="FILE", help=f"--cluster: {what} (PEM)")
    add_anonymise(extract)

    quality = command("quality", "check_quality", quality_request, show_quality, help="check a cohort before measuring")
    quality.add_argument("cohort", type=path_word, metavar="COHORT", help=COHORT)
    quality.add_argument("--out", type=path_word, metavar="DIR", help="where to write contact sheets and the tables")

    stability = command("stability", "measure_stability", stability_request, show_stability,
                        help="how well features repeat on other outlines")
    stability.add_argument("cohort", type=path_word, metavar="COHORT", help=COHORT)
    stability.add_argument("--recipe", required=True, metavar="NAME|FILE", help="what to measure")
    stability.add_argument("--cases", type=int, metavar="N", help="at most so many cases, drawn by --seed")
    stability.add_argument("--out", type=path_word, required=True, metavar="FILE")

    explore = command("explore", "explore", explore_request, show_exploration, help="look at a feature table")
    explore.add_argument("features", type=path_word, metavar="FEATURES", help="what 'extract' wrote, or any such table")
    explore.add_argument("--label", metavar="COL")
    explore.add_argument("--positive", metavar="VALUE")
    explore.add_argument("--patient", metavar="COL")
    explore.add_argument("--site", metavar="COL")
    explore.add_argument("--vendor", metavar="COL")
    explore.add_argument("--images", type=path_word, metavar="COHORT", help="for slices per scan and histograms")
    explore.add_argument("--no-embeddings", action="store_true", help="leave out t-SNE and UMAP")
    explore.add_argument("--out", type=path_word, required=True, metavar="DIR")


def boxes_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `BoxesRequest`."""
    return {"table": options.cohort, "out": options.out, "jobs": options.jobs}


def extract_request(options: argparse.Namespace) -> dict[str, Any]:
    """An `ExtractRequest`."""
    tls = {name: getattr(options, f"tls_{name}") for name in ("ca", "cert", "key")}
    given = {name: path for name, path in tls.items() if path}
    return {
        "source": options.cohort,
        "recipe": find_recipe(options.recipe).model_dump(mode="json"),
        "out": options.out,
        "jobs": options.jobs,
        "cache": options.cache,
        "cluster": options.cluster,
        "tls": given or None,
        "anonymise": options.anonymise,
    }


def quality_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `QualityRequest`."""
    return {"source": options.cohort, "out": options.out, "jobs": options.jobs}


def stability_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `StabilityRequest`."""
    most = {} if options.cases is None else {"cases_at_most": options.cases}
    return {
        "source": options.cohort,
        "recipe": find_recipe(options.recipe).model_dump(mode="json"),
        "out": options.out,
        "jobs": options.jobs,
        "seed": options.seed or 0,
        **most,
    }


def explore_request(options: argparse.Namespace) -> dict[str, Any]:
    """An `ExploreRequest`."""
    columns = {name: getattr(options, name) for name in ("label", "positive", "patient", "site", "vendor")}
    return {
        "features": options.features,
        **columns,
        "images": options.images,
        "out": options.out,
        "seed": options.seed or 0,
        "embeddings": not options.no_embeddings,
    }
