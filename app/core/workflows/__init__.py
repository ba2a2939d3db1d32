"""The stories told top-down; a job names one of these functions, each takes (request, report) and returns JSON."""

from app.core.workflows.bias import correct_cohort, measure_bias, preview_bias
from app.core.workflows.convert import convert
from app.core.workflows.demo import demo_case, make_demo
from app.core.workflows.images import correct_image, tumour_boxes
from app.core.workflows.models import list_models, show_model, verify_models
from app.core.workflows.normalising import learn_landmarks, normalise_image
from app.core.workflows.report import export_report
from app.core.workflows.score import score_case, score_cohort
from app.core.workflows.selftest import selftest
from app.core.workflows.ship import ship_models
from app.core.workflows.train import train
from app.core.workflows.view import identify_drop, view_case

__all__ = [
    "convert",
    "correct_cohort",
    "correct_image",
    "demo_case",
    "export_report",
    "identify_drop",
    "learn_landmarks",
    "list_models",
    "make_demo",
    "measure_bias",
    "normalise_image",
    "preview_bias",
    "score_case",
    "score_cohort",
    "selftest",
    "ship_models",
    "show_model",
    "train",
    "tumour_boxes",
    "verify_models",
    "view_case",
]
