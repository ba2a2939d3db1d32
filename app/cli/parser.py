"""The sub-commands and their flags, as the command line's contract has them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

import app
from app.cli.cohort_commands import add_cohort_commands
from app.cli.report_command import add_report_command
from app.cli.requests import (
    MODEL_WORKFLOWS,
    add_anonymise,
    at_least_nought,
    at_least_one,
    convert_request,
    demo_request,
    evaluate_request,
    models_request,
    n4_request,
    normalise_request,
    one_or_three,
    path_word,
    score_request,
    whole_numbers,
)
from app.cli.text import (
    as_text,
    show_evaluation,
    show_models,
    show_n4,
    show_score,
    show_selftest,
    show_written,
)
from app.cli.training_command import add_training_command

DEFAULT_MODEL = "lipoma-size"
DONE, OUR_FAULT, UNUSABLE_INPUT, CANCELLED = 0, 1, 2, 3


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with 2."""
        self.exit(UNUSABLE_INPUT, f"{self.prog}: {message}. See '{self.prog} --help'.\n")


def build_parser() -> OneLineParser:
    """The whole command line."""
    parser = OneLineParser(
        prog="liposcope", description=f"LipoScope {app.__version__}. Research use only, not a medical device."
    )
    parser.add_argument("--version", action="version", version=f"LipoScope {app.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=OneLineParser)

    def command(
        name: str,
        workflow: str,
        make: Callable[[argparse.Namespace], dict[str, Any]],
        show: Callable[[dict[str, Any]], str] = as_text,
        **words: Any,
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, **words)
        added.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        added.add_argument("--jobs", type=at_least_one, default=1, metavar="N", help="processes")
        added.add_argument("--seed", type=at_least_nought, default=None, metavar="N", help="of everything random")
        added.set_defaults(workflow=workflow, request=make, show=show, status=lambda _result: DONE)
        return added

    convert = command("convert", "convert", convert_request, show_written, help="any image, folder or tree to NIfTI")
    convert.add_argument("source", type=path_word)
    convert.add_argument("target", type=path_word, help="a file when it ends in .nii or .nii.gz, else a folder")
    convert.add_argument("--roi", help="region of an RTSTRUCT or a DICOM SEG")
    convert.add_argument("--orientation", choices=("las", "ras"), help="Analyze 7.5: las = stored with right first")

    n4 = command("n4", "correct_image", n4_request, show_n4, help="bias-field correction")
    n4.add_argument("image", type=path_word)
    n4.add_argument("out", type=path_word)
    n4.add_argument("--mask", type=path_word)
    n4.add_argument("--engine", choices=("fast", "itk", "ants"))
    for name, kind in (
        ("levels", int),
        ("iterations", whole_numbers),
        ("mesh", one_or_three),
        ("tolerance", float),
        ("fwhm", float),
        ("noise", float),
        ("bins", int),
    ):
        n4.add_argument(f"--{name}", type=kind)
    n4.add_argument("--mean-one", action="store_true", default=None, help="a field of mean 1 within the mask")
    n4.add_argument("--shrink", type=one_or_three, help="N in plane and 1 along the coarsest axis, or a,b,c")
    n4.add_argument("--field", type=path_word, help="where to write the bias field")

    normalise = command("normalise", "normalise_image", normalise_request, show_written, help="intensity normalisation")
    normalise.add_argument("image", type=path_word)
    normalise.add_argument("out", type=path_word)
    normalise.add_argument("--method", choices=("zscore", "percentile", "nyul"))
    normalise.add_argument("--region", choices=("image", "body", "around_tumour"))
    normalise.add_argument("--mask", type=path_word, help="the tumour's outline, for the region around it")
    normalise.add_argument("--landmarks", metavar="FILE", help="nyul: what 'landmarks' wrote")

    add_cohort_commands(command)

    score = command("score", "score_case", score_request, show_score, help="score a case, a folder of cases or a table")
    score.add_argument("inputs", type=path_word, nargs="+", metavar="IMAGE MASK | COHORT")
    score.add_argument("--image", action="append", default=[], metavar="SEQ=PATH", help="a further sequence")
    score.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="SEQ=UID",
        help="the series of a DICOM folder; SEQ 'image' is the first",
    )
    score.add_argument("--roi", help="region of an RTSTRUCT or a DICOM SEG")
    score.add_argument("--mask-label", type=int, metavar="N", help="label of a mask with several")
    score.add_argument("--orientation", choices=("las", "ras"), help="Analyze 7.5: las = stored with right first")
    score.add_argument("--site", help="hospital or scanner")
    score.add_argument(
        "--set", action="append", default=[], metavar="COL=VALUE", help="a clinical or reader's variable"
    )
    score.add_argument("--prevalence", type=float, metavar="P", help="share of malignant cases where you work")
    score.add_argument("--error-rate", type=float, default=0.05, metavar="E", help="of the verdict")
    score.add_argument("--threshold", type=float, metavar="T", help="one of the model's operating points")
    score.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME|DIR")
    score.add_argument("--out", type=path_word, metavar="DIR", help="where to write the report and the prepared images")

    add_anonymise(score)

    add_training_command(command)

    evaluate = command("evaluate", "evaluate", evaluate_request, show_evaluation, help="test a model on other cases")
    evaluate.add_argument("bundle", type=path_word, metavar="BUNDLE", help="a model's name or folder")
    evaluate.add_argument("table", type=path_word, metavar="TABLE", help="of features, or of cases")
    evaluate.add_argument("--label", metavar="COL", help="default: as in training")
    evaluate.add_argument("--positive", metavar="VALUE", help="the label's value that means the model's second class")
    evaluate.add_argument("--patient", metavar="COL", help="default: as in training")
    evaluate.add_argument("--site", metavar="COL", help="default: as in training")
    evaluate.add_argument("--out", type=path_word, required=True, metavar="DIR")
    add_anonymise(evaluate)

    demo = command("demo", "make_demo", demo_request, show_written, help="phantom cases")
    demo.add_argument("kind", choices=("case", "cohort"))
    demo.add_argument("--cases", type=int, default=85)
    demo.add_argument("--sites", type=int, default=43)
    demo.add_argument("--signal", type=float, default=1.0)
    demo.add_argument("--out", type=path_word, required=True)

    selftest = command(
        "selftest", "selftest", lambda _o: {}, show_selftest, help="check this installation against stored references"
    )
    selftest.set_defaults(status=lambda result: DONE if result["ok"] else OUR_FAULT)

    models = command(
        "models",
        "list_models",
        models_request,
        show_models,
        help="the library",
    )
    models.add_argument("action", nargs="?", default="list", choices=tuple(MODEL_WORKFLOWS))
    models.add_argument("name", nargs="?", help="a model; import: a .zip file or a folder")
    models.add_argument("--out", type=path_word, help="export: a .zip file or a folder; build: where models go")
    models.add_argument("--onnx", type=path_word, metavar="FILE", help="export: the model's networks, ends in .onnx")
    models.add_argument("--replace", action="store_true", help="import: in place of another model of that name")
    models.set_defaults(status=lambda result: DONE if result.get("ok", True) else UNUSABLE_INPUT)

    add_report_command(command)

    run = command("run", "run", lambda o: {"path": o.request_file}, help="repeat a recorded job")
    run.add_argument("request_file", type=path_word, metavar="REQUEST.json")
    return parser
