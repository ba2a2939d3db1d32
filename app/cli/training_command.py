"""The sub-command that trains: its flags, its request, and what a person reads of the result."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from app.cli.requests import at_least_one, path_word
from app.cli.text import show_written
from app.core.workflows.recipes import find_recipe

Command = Callable[..., argparse.ArgumentParser]
DEFAULT_RECIPE = "default"
_BESIDE = {
    "volume": "volume alone",
    "longest_diameter": "longest diameter alone",
    "clinical": "clinical variables alone",
}


def add_training_command(command: Command) -> None:
    """Add the sub-command.

    Parameters
    ----------
    command : callable
        Makes one: (name, workflow, request, show, help=...) -> parser.
    """
    train = command("train", "train", train_request, show_training, help="train and validate models")
    train.add_argument("table", type=path_word, metavar="TABLE", help="of features, or of cases")
    train.add_argument("--label", required=True, metavar="COL")
    train.add_argument("--positive", metavar="VALUE")
    train.add_argument("--patient", required=True, metavar="COL")
    train.add_argument("--site", metavar="COL")
    for name, what in (
        ("clinical", "compared with, not learned from"),
        ("context", "describes a case to the harmonisation, not learned from"),
        ("ignore", "left out"),
        ("confirm", "a feature, although it looks like the label"),
    ):
        train.add_argument(f"--{name}", action="append", default=[], metavar="COL", help=what)
    train.add_argument("--recipe", action="append", metavar="NAME|FILE", help="may be given several times")
    train.add_argument("--primary", metavar="NAME", help="the recipe declared before the run: default the first")
    train.add_argument("--save", metavar="NAME", help="save another model than the primary, or 'best'")
    train.add_argument("--harmonise", choices=("none", "combat"), help="site effects, within the folds, every recipe")
    train.add_argument(
        "--splits", type=path_word, metavar="FILE", help="fixed train and test patients: columns K_train, K_test"
    )
    train.add_argument("--folds", type=at_least_one, metavar="N", help="in place of the primary recipe's")
    train.add_argument("--repeats", type=at_least_one, metavar="N", help="in place of the primary recipe's")
    train.add_argument("--one-site-out", action="store_true", help="hold sites out one by one, not in groups")
    train.add_argument("--audit", action="store_true", help="also the naive figure and the figure of permuted labels")
    train.add_argument("--permutations", type=at_least_one, metavar="N", help="of the labels, for --audit")
    train.add_argument("--learning-curve", action="store_true", help="also whether more cases would help")
    train.add_argument("--keep", type=path_word, metavar="DIR", help="keep finished folds, and go on from them")
    train.add_argument("--out", type=path_word, required=True, metavar="BUNDLE")


def train_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `TrainRequest`."""
    recipes = [find_recipe(name).model_dump(mode="json") for name in options.recipe or [DEFAULT_RECIPE]]
    optional = {name: getattr(options, name) for name in ("folds", "repeats", "permutations", "keep")}
    return {
        "table": options.table,
        "label": options.label,
        "positive": options.positive,
        "patient": options.patient,
        "site": options.site,
        "clinical": options.clinical,
        "context": options.context,
        "ignore": options.ignore,
        "confirmed": options.confirm,
        "recipes": recipes,
        "primary": options.primary,
        "save": options.save,
        "harmonise": None if options.harmonise is None else {"method": options.harmonise},
        "splits": options.splits,
        "one_site_out": options.one_site_out,
        "audit": options.audit,
        "learning_curve": options.learning_curve,
        **{name: value for name, value in optional.items() if value is not None},
        "out": options.out,
        "seed": options.seed or 0,
        "jobs": options.jobs,
    }


def show_training(result: dict[str, Any]) -> str:
    """A table of areas with intervals, then what they mean, in sentences."""
    saved = result["models"][result["saved"]]
    lines = _areas(result)
    lines += ["", f"AUC for {saved['target']}, 95 % interval; * is saved.", *_sentences(result, saved)]
    failed = {"failed": result["failed"]}
    lines += [line for line in (show_written(failed),) if line]
    lines += [f"Caution: {each['message']}" for each in result["cautions"]]
    return "\n".join([*lines, result["bundle"]])


def _areas(result: dict[str, Any]) -> list[str]:
    rows = [("", "AUC", "at new sites")]
    for name, model in result["models"].items():
        rows.append((f"{name} *" if name == result["saved"] else name, *_pair(model)))
        if "unharmonised" in model:
            rows.append(("  unharmonised", *_pair(model["unharmonised"])))
    rows += [(title, *_pair(result["comparators"][name])) for name, title in _BESIDE.items()
             if name in result["comparators"]]
    if not any(row[2] for row in rows[1:]):
        rows = [(first, second, "") for first, second, _ in rows]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _pair(figures: dict[str, Any]) -> tuple[str, str]:
    return _area(figures["auc"]), _area(figures.get("auc_new_site"))


def _area(auc: dict[str, Any] | None) -> str:
    if auc is None or auc["mean"] is None:
        return ""
    return f"{auc['mean']:.3f}{_interval(auc.get('interval'))}"


def _interval(interval: list[float] | None) -> str:
    return f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""


def _sentences(result: dict[str, Any], saved: dict[str, Any]) -> list[str]:
    lines = [saved["headline"]["sentence"]]
    for name, model in result["models"].items():
        if "unharmonised" in model:
            change = model["unharmonised"]["difference"]
            lines.append(f"Harmonising changes the AUC of {name} by {change['mean']:+.3f}{_signed(change)}.")
    lines += [result["selection"]["sentence"]] if "selection" in result else []
    lines += [result["sites"]["advice"]["recommendation"]] if "advice" in result["sites"] else []
    if "audit" in result:
        permuted = result["audit"]["permuted"]
        spread = "" if permuted["auc"]["sd"] is None else f" (standard deviation {permuted['auc']['sd']:.3f})"
        lines.append(result["audit"]["naive"]["sentence"])
        lines.append(
            f"With permuted labels the same pipeline reaches an AUC of {permuted['auc']['mean']:.3f}{spread}, "
            f"p = {permuted['p_value']:.3f} from {permuted['permutations']} permutations."
        )
    for point in result.get("learning_curve", []):
        lines.append(f"Trained on {point['patients']:.0f} patients: AUC {_area(point['auc'])}.")
    return lines


def _signed(difference: dict[str, Any]) -> str:
    interval = difference.get("interval")
    return f" ({interval[0]:+.3f} to {interval[1]:+.3f})" if interval else ""
