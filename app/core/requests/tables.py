"""Requests about cohorts and their tables of features."""

from __future__ import annotations

from pydantic import Field

from app.core.recipe import Recipe, Settings
from app.core.requests.cases import CaseFiles


class CohortSource(Settings):
    """The cases of a cohort: a folder or a table at `source`, or `cases` as they were found and chosen."""

    source: str | None = None
    cases: list[CaseFiles] | None = None


class ExtractRequest(CohortSource):
    """Measure every case of a cohort; `out` is the feature table (CSV, XLSX or Parquet).

    `cache` is where finished cases are kept, by default in the user's data folder; `cluster` the URL of a Dask
    scheduler, with `tls` its certificate files (ca, cert, key) unless the address is loopback.
    """

    recipe: Recipe
    out: str
    jobs: int = Field(1, ge=1)
    cache: str | None = None
    cluster: str | None = None
    tls: dict[str, str] | None = None
    anonymise: bool = False


class QualityRequest(CohortSource):
    """Check acquisition, geometry and outlines of a cohort; contact sheets go into `out`."""

    out: str | None = None
    jobs: int = Field(1, ge=1)


class StabilityRequest(CohortSource):
    """Measure how well each feature repeats on moved outlines, and on a second reader's (`mask_2`)."""

    recipe: Recipe
    out: str
    jobs: int = Field(1, ge=1)
    cases_at_most: int = Field(30, ge=3, description="cases measured, drawn by `seed`")
    seed: int = 0


class TableRequest(Settings):
    """Say what columns a table has (CSV, XLSX, Parquet)."""

    table: str


class ExploreRequest(Settings):
    """Look at a feature table; figures (SVG, PNG) and their numbers (CSV) go into `out`."""

    features: str
    label: str | None = None
    positive: str | None = None
    patient: str | None = None
    site: str | None = None
    vendor: str | None = None
    images: str | None = Field(None, description="the cohort's table or folder, for slices per scan and histograms")
    out: str
    seed: int = 0
    embeddings: bool = Field(True, description="t-SNE and UMAP")
