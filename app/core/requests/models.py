"""Requests about models that are there: to finish, test, show and exchange them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from app.core.recipe import Settings


class FinishModelRequest(Settings):
    """Give a trained model its title, its card's texts and its operating point; what is None stays as it is."""

    model: str
    title: str | None = None
    purpose: str | None = Field(None, description="what it is for")
    limits: list[str] | None = Field(None, description="where it is known to fail, a sentence each")
    threshold: float | None = Field(None, gt=0, lt=1)


class EvaluateRequest(Settings):
    """Test a saved model on cases from elsewhere; `evaluation.json` and `predictions.csv` go into `out`.

    `table` holds features or cases. Columns that are not named are those the model was trained with, else `label`,
    `patient` and `site`. `positive` is the label's value that means the model's second class, where the table codes its
    classes in other words than the model.
    """

    bundle: str
    table: str
    out: str
    label: str | None = None
    positive: str | None = None
    patient: str | None = None
    site: str | None = None
    anonymise: bool = False
    jobs: int = Field(1, ge=1)


class ResultsRequest(Settings):
    """Show what a training run or an external test found, or write it as a report to `out`.

    `model` is the name or folder of a model, `external` the `evaluation.json` that an external test wrote. `declared`
    says of the study what no program can know, for the report's checklists.
    """

    model: str | None = None
    external: str | None = None
    out: str | None = None
    anonymise: bool = False
    declared: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.model is None) == (self.external is None):
            raise ValueError("either a model or an external test is named")
        return self


class ExchangeRequest(Settings):
    """Bring a model into the user's library, or hand one on: a .zip file or a folder; its networks also as `onnx`."""

    model: str
    out: str | None = None
    onnx: str | None = Field(None, description="a name that ends in .onnx; of several networks each gets its number")
    replace: bool = False
