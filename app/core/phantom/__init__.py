"""Phantom patients: fatty tumours in a limb or the trunk, T1 with fat suppression and contrast, the best AUC known."""

from app.core.phantom.case import LABELS, PhantomCase, make_case
from app.core.phantom.cohort import COLUMNS, make_demo_case, write_case, write_cohort, write_demo
from app.core.phantom.parameters import LOCATIONS, CaseParameters, bayes_auc, bayes_score, draw_parameters
from app.core.phantom.sites import Site, choose_site, make_sites

__all__ = [
    "COLUMNS", "LABELS", "LOCATIONS", "CaseParameters", "PhantomCase", "Site", "bayes_auc", "bayes_score",
    "choose_site", "draw_parameters", "make_case", "make_demo_case", "make_sites", "write_case", "write_cohort",
    "write_demo",
]
