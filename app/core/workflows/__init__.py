"""The stories told top-down; a job names one of these functions, each takes (request, report) and returns JSON.

A function's module is loaded when the function is first asked for: the engine that shows slices waits for no more than
showing slices needs.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "check_quality": "quality",
    "compare_tests": "results_compared",
    "convert": "conversion",
    "correct_cohort": "bias",
    "correct_image": "images",
    "demo_case": "demo",
    "describe_devices": "network_facts",
    "describe_finish": "finishing",
    "describe_networks": "network_facts",
    "describe_table": "tables",
    "draw_thumbnails": "thumbnails",
    "evaluate": "external",
    "explain_case": "explaining",
    "explore": "exploration",
    "export_model": "exchange",
    "export_report": "report",
    "export_results": "report",
    "extract": "extraction",
    "finish_model": "finishing",
    "identify_drop": "view",
    "import_model": "exchange",
    "learn_landmarks": "normalising",
    "list_cohort": "extraction",
    "list_models": "models",
    "list_recipes": "recipes",
    "make_demo": "demo",
    "measure_bias": "bias",
    "measure_diameters": "diameters",
    "measure_stability": "stability",
    "normalise_image": "normalising",
    "outline_bias": "bias",
    "preview_bias": "bias",
    "preview_pictures": "picture_preview",
    "preview_training": "training_preview",
    "remove_model": "removal",
    "restore_model": "removal",
    "save_recipe": "recipes",
    "score_case": "score",
    "score_cohort": "score",
    "selftest": "self_test",
    "ship_models": "ship",
    "ship_stability": "shipped_stability",
    "show_model": "models",
    "train": "training",
    "tumour_boxes": "images",
    "verify_models": "models",
    "view_case": "view",
    "view_results": "results",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
