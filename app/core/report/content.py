"""What a report says, before it is laid out: the same sentences, tables, figures and checklists for HTML and PDF."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import app
from app.core.figures.discrimination import MOST_BESIDE, draw_calibration, draw_decision, draw_roc
from app.core.figures.doubts import draw_audit, draw_importance, draw_learning, draw_sites
from app.core.figures.page import Drawing, depict
from app.core.report.checklist import CHECKLISTS, Checklist, mark_checklist
from app.core.report.network_methods import tabulate_networks

Values = Mapping[str, Any]
NOTICE = "Research use only, not a medical device."
UNKNOWN = "not known"


@dataclass(frozen=True)
class Table:
    """A table with its heading; numbers are text already.

    Parameters
    ----------
    title : str
    header : tuple of str
    rows : tuple of tuple of str
    note : str
        What to know before reading it.
    widths : tuple of float
        Shares of the page's width.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    widths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its bytes as SVG or PNG."""

    title: str
    caption: str
    drawn: bytes


@dataclass(frozen=True)
class Content:
    """Everything that a report says, in its order."""

    title: str
    subtitle: str
    notices: tuple[str, ...]
    headline: tuple[str, ...]
    cautions: tuple[str, ...]
    flow: tuple[tuple[str, int], ...]
    methods: str
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    checklists: tuple[Checklist, ...]
    settings: Table | None
    versions: str


def compose(
    view: Values, specification: Values | None, recipes: Values, declared: Mapping[str, str], kind: str
) -> Content:
    """Put a report together.

    Parameters
    ----------
    view : mapping
        What `view_results` returns.
    specification : mapping or None
        The JSON of the bundle; None of an external test.
    recipes : mapping of str to mapping
        The JSON of the recipe of each model; empty of an external test.
    declared : mapping of str to str
        What the user says of the study, see `checklist.declarable`.
    kind : {'svg', 'png'}
        How figures are drawn.
    """
    demonstration = ["Demonstration, synthetic data."] if view["demonstration"] else []
    checklists = () if specification is None else tuple(
        mark_checklist(name, view, specification, declared) for name in CHECKLISTS)  # fmt: skip
    versions = [f"{name} {version}" for name, version in {"liposcope": app.__version__, **view["versions"]}.items()]
    digests = [f"folds {view['folds']['digest']}"] if view["folds"].get("digest") else []
    digests += [f"model {view['digest']}"] if view.get("digest") else []
    what = "External test" if view["kind"] == "external" else "Training run"
    return Content(
        title=str(view["title"]),
        subtitle=f"{what}: {view['classes'][1]} against {view['classes'][0]}. {view['purpose']}".strip(),
        notices=(NOTICE, *demonstration),
        headline=tuple(tell_headline(view)),
        cautions=tuple(str(each["message"]) for each in view["cautions"]),
        flow=tuple((str(step["what"]), int(step["cases"])) for step in view["flow"]),
        methods=str(view["methods"]),
        tables=tuple(list_tables(view)),
        pictures=tuple(draw_pictures(view, kind)),
        checklists=checklists,
        settings=list_settings(recipes, view) if recipes else None,
        versions=", ".join(versions) + ". SHA-256: " * bool(digests) + ", ".join(digests),
    )


def tell_headline(view: Values) -> list[str]:
    """The first sentences: AUC for whom, what it adds to something simpler, what choosing cost, new sites."""
    saved, auc = view["saved"], view["roc"][view["saved"]]["auc"]
    told = [f"{_quoted(saved)}: AUC {_with_interval(auc['mean'], auc['interval'])}, {view['target']}."]
    if view["headline"]:
        told.append(str(view["headline"]["sentence"]))
    elsewhere = next((row for row in view["metrics"][saved] if row["name"] == "AUC, new sites"), None)
    if elsewhere and elsewhere["mean"] is not None:
        span = None if elsewhere["low"] is None else (elsewhere["low"], elsewhere["high"])
        told.append(f"At sites held out whole: AUC {_with_interval(elsewhere['mean'], span)}.")
    if view["selection"]:
        told.append(str(view["selection"]["sentence"]))
    if view.get("internal") and view["internal"].get("auc"):
        own = view["internal"]["auc"]
        told.append(f"In its own training run: AUC {_with_interval(own['mean'], own.get('interval'))}.")
    return told


def list_tables(view: Values) -> list[Table]:
    """Every model's figures, what stands beside, pairs of models, operating points and sites."""
    tables = [_metrics(name, view["metrics"][name]) for name in view["models"]]
    beside = [
        (view["titles"].get(name, name), *(_cells(row)[0] for row in view["metrics"][name]))
        for name in view["comparators"]
    ]
    if beside:
        note = "On the same folds." if view["kind"] == "training" else "On the same cases."
        tables.append(Table("Something simpler", ("", "AUC (95 % interval)", "The model adds (95 % interval)"),
                            tuple(beside), note, (0.36, 0.32, 0.32)))  # fmt: skip
    if view["comparisons"] and view["kind"] == "training":
        rows = tuple(
            (
                _name(view, each["a"]),
                _name(view, each["b"]),
                _with_interval(each["mean"], each["interval"], signed=True),
                UNKNOWN if each["p_value"] is None else f"{each['p_value']:.2g}",
            )
            for each in view["comparisons"]
        )
        note = f"{_sentence(view['comparisons'][0]['how'])} The p values are not adjusted for their number."
        header = ("A", "B", "A less B (95 % interval)", "p")
        tables.append(Table("Differences in AUC", header, rows, note, (0.28, 0.28, 0.32, 0.12)))
    tables += [_points(name, view["points"][name]) for name in view["models"] if view["points"].get(name)]
    if view["subgroups"]:
        tables.append(_subgroups(view["subgroups"]))
    if view.get("network"):
        tables.append(
            Table("Networks of the saved model", *tabulate_networks(view["network"]), (0.25, 0.2, 0.15, 0.15, 0.25))
        )
    return tables


def _metrics(name: str, metrics: Sequence[Values]) -> Table:
    if all(row["sd"] is None for row in metrics):
        cells = ((str(row["name"]), *_cells(row)[1::2], str(row["explained"])) for row in metrics)
        return Table(f"Figures of {_quoted(name)}", ("", "Mean", "95 % interval", ""), tuple(cells), "",
                     (0.28, 0.1, 0.18, 0.44))  # fmt: skip
    rows = tuple((str(row["name"]), *_cells(row)[1:], str(row["explained"])) for row in metrics)
    return Table(
        f"Figures of {_quoted(name)}",
        ("", "Mean", "SD over folds", "95 % interval", ""),
        rows,
        "",
        (0.24, 0.08, 0.1, 0.17, 0.41),
    )


def _cells(row: Values) -> tuple[str, str, str, str]:
    """A figure with its interval, and mean, spread and interval apart."""
    span = None if row["low"] is None else (row["low"], row["high"])
    signed = row["name"].startswith("Difference")
    return (
        _with_interval(row["mean"], span, signed=signed),
        UNKNOWN if row["mean"] is None else f"{row['mean']:.3f}",
        "" if row["sd"] is None else f"{row['sd']:.3f}",
        "" if span is None else f"{span[0]:.3f} to {span[1]:.3f}",
    )


def _points(name: str, points: Sequence[Values]) -> Table:
    shares = ("sensitivity", "specificity", "ppv", "npv")
    rows = tuple(
        (
            str(point["name"]) + (" (default)" if point.get("default") else ""),
            UNKNOWN if point["threshold"] is None else f"{point['threshold']:.3f}",
            *(_share(point.get(share)) for share in shares),
        )
        for point in points
    )
    return Table(
        f"Operating points of {_quoted(name)}",
        ("", "Threshold", "Sensitivity", "Specificity", "PPV", "NPV"),
        rows,
        "Predictive values at these cases' own share of positives.",
        (0.2, 0.12, 0.17, 0.17, 0.17, 0.17),
    )


def _share(share: Values | None) -> str:
    if not share or share["value"] is None:
        return UNKNOWN
    return _with_interval(share["value"], share["interval"], digits=2)


def _subgroups(lines: Sequence[Values]) -> Table:
    rows = tuple(
        (
            str(line["variable"]),
            str(line["level"]),
            f"{line['positives']} / {line['negatives']}",
            UNKNOWN if line["auc"] is None else _with_interval(line["auc"]["mean"], line["auc"]["interval"]),
            str(line["note"]),
        )
        for line in lines
    )
    header = ("Variable", "Level", "Positive / negative", "AUC (95 % interval)", "")
    return Table("Subgroups", header, rows, "", (0.18, 0.16, 0.14, 0.22, 0.3))


def draw_pictures(view: Values, kind: str) -> list[Picture]:
    """Draw the figures that the results allow."""
    saved, positive = view["saved"], str(view["classes"][1])
    titles = {name: _name(view, name) for name in (*view["models"], *view["comparators"])}
    asked: list[Callable[[], Drawing]] = []
    drawn = [name for name in view["roc"] if len(view["roc"][name]["grid"])]
    if saved in drawn:
        chosen = [saved, *(name for name in drawn if name != saved)][: MOST_BESIDE + 1]
        curves = {name: view["roc"][name] for name in chosen}
        asked.append(partial(draw_roc, curves, titles, saved, positive))
    calibration = view["calibration"].get(saved) or {}
    if calibration.get("bins") or (calibration.get("curve") or {}).get("predicted"):
        given = (view["cases"] or {}).get("probability", {}).get(saved) or []
        known = [each for each in given if each is not None]
        asked.append(partial(draw_calibration, calibration, known, saved, positive))
    if saved in view["decision"]:
        chosen = [saved, *(name for name in view["decision"] if name != saved)][: MOST_BESIDE + 1]
        curves = {name: view["decision"][name] for name in chosen}
        asked.append(partial(draw_decision, curves, titles, saved, float(view["prevalence"]), positive))
    if view["sites"] and view["roc"][saved]["auc"]["mean"] is not None:
        in_folds = view["kind"] == "training"
        asked.append(partial(draw_sites, view["sites"], view["roc"][saved]["auc"], positive, folds=in_folds))
    if ranked := view["importance"].get(saved):
        asked.append(partial(draw_importance, ranked, saved))
    if view["audit"]:
        asked.append(partial(draw_audit, view["audit"]))
    if view["learning_curve"]:
        asked.append(partial(draw_learning, view["learning_curve"]))
    pictures = []
    for draw in asked:
        drawing, files = depict(draw, (kind,))
        pictures.append(Picture(drawing.title, drawing.caption, files[kind]))
    return pictures


def list_settings(recipes: Values, view: Values) -> Table:
    """Every setting of the run and of every recipe, a line each; what is the same in all models stands once.

    What a recipe says of folds gives way to those that were drawn; what it would measure is left out where features
    came from a table.
    """
    flat = {name: _used(recipe, measured=view["measured"] is not False) for name, recipe in recipes.items()}
    run = {"folds": view["folds"].get("k"), **{key: view["folds"].get(key) for key in ("repeats", "scheme")},
           **{key: view.get(key) for key in ("seed", "primary", "saved")}}  # fmt: skip
    first, *others = flat.values()
    common = [key for key in first if all(other.get(key) == first[key] for other in others)]
    rows = [("run", *pair) for pair in _flatten(run)]
    rows += [("all" if others else next(iter(flat)), key, first[key]) for key in common]
    rows += [(name, key, text) for name, own in flat.items() for key, text in own.items() if key not in common]
    return Table("Every setting", ("Model", "Setting", "Value"), tuple(rows), "", (0.2, 0.4, 0.4))


def _used(recipe: Values, *, measured: bool) -> dict[str, str]:
    idle = ("model.folds", "model.repeats", *(() if measured else ("prep.", "features.")))
    if (recipe.get("network") or {}).get("use") == "score":  # no classifier takes part
        idle = ("model.", "harmonise.", "features")
    return {key: text for key, text in _flatten(recipe) if not key.startswith(idle)}


def _flatten(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return [pair for key, each in value.items() for pair in _flatten(each, f"{path}.{key}" if path else str(key))]
    if isinstance(value, (list, tuple)) and any(isinstance(each, Mapping) for each in value):
        return [pair for place, each in enumerate(value, 1) for pair in _flatten(each, f"{path}[{place}]")]
    if value is None or value == "" or (isinstance(value, (list, tuple, Mapping)) and not value):
        return [(path, "none")]
    if isinstance(value, (list, tuple)):
        return [(path, ", ".join(map(str, value)))]
    return [(path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]


def _with_interval(value: Any, interval: Any, *, signed: bool = False, digits: int = 3) -> str:
    if value is None:
        return UNKNOWN
    form = f"{'+' if signed else ''}.{digits}f"
    span = f" ({interval[0]:{form}} to {interval[1]:{form}})" if interval and interval[0] is not None else ""
    return f"{value:{form}}{span}"


def _name(view: Values, name: str) -> str:
    return str(view["titles"].get(name, name))


def _quoted(name: str) -> str:
    return f"'{name}'"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
