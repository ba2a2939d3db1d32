"""The smoke test of the frozen program: installed for an ordinary user with an empty home, no network, no Python.

Every step is a sentence with its seconds. Scores must equal those of the source to 1e-9.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resources.installer import launching
from resources.installer.comparing import compare
from resources.installer.contents import ROOT
from resources.installer.guest import Guest, Skipped, make_guest
from resources.installer.parts import version

SHARED = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "build" / "smoke"
JOBS, CASES = "2", 16
MODEL = "lipoma-phantom-demo"


class Wrong(Exception):
    """The program did not do what it should; says what it did."""


def test_program(folder: Path, installer: Path | None) -> int:
    """Try out a frozen program and print the table of steps.

    Parameters
    ----------
    folder : Path
        The one-dir program.
    installer : Path, optional
        Installed first where it is a `.run`, and removed at the end.

    Returns
    -------
    int
        0 when no step failed.
    """
    RESULTS.mkdir(parents=True, exist_ok=True)
    with make_guest(folder) as guest:
        trial = Trial(guest, installer)
        sys.stdout.write(f"Smoke test of {folder}\n{guest.words}\n\n")
        for step in (trial.install, trial.is_alone, trial.tells_version, trial.tests_itself, trial.knows_no_cluster,
                     trial.opens_window, trial.scores_demo, trial.scores_nifti, trial.scores_dicom, trial.reads_codecs,
                     trial.corrects_with_ants, trial.makes_cohort, trial.measures, trial.trains,
                     trial.scores_with_own, trial.trains_network, trial.scores_with_network, trial.exports_onnx,
                     trial.explores, trial.survives_a_kill, trial.leaves_nothing_behind, trial.uninstall):
            trial.carry_out(step)
    (RESULTS / "smoke.json").write_text(json.dumps(trial.rows, indent=1), encoding="utf-8")
    failed = sum(row["state"] == "FAILED" for row in trial.rows)
    sys.stdout.write(f"\n{len(trial.rows) - failed} passed, {failed} failed\n")
    return 1 if failed else 0


class Trial:
    """The steps, in order; what one makes the later ones use.

    Parameters
    ----------
    guest : Guest
        Who runs the program.
    installer : Path, optional
    """

    def __init__(self, guest: Guest, installer: Path | None) -> None:
        self.guest, self.installer = guest, installer
        self.report = guest.room / "demo-report"
        self.rows: list[dict[str, Any]] = []

    def carry_out(self, step: Callable[[], str]) -> None:
        """Run a step and print its line."""
        begun = time.perf_counter()
        try:
            state, said = "ok", step()
        except Skipped as reason:
            state, said = "skipped", str(reason)
        except (Wrong, LookupError, OSError, ValueError, StopIteration, subprocess.SubprocessError) as error:
            state, said = "FAILED", f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - begun
        title = (step.__doc__ or "").splitlines()[0].rstrip(".")
        self.rows.append({"step": title, "state": state, "seconds": round(seconds, 2), "said": said})
        sys.stdout.write(f"{state:8}{seconds:8.1f} s  {title}: {said}\n")
        sys.stdout.flush()

    # The program and where it is

    def install(self) -> str:
        """Installs itself silently, checksum verified."""
        if self.installer is None or self.installer.suffix != ".run":
            raise Skipped("there is no installer for this system here; the folder itself is tried")
        done = self.guest.run(["/bin/sh", str(self.installer), "--silent"], path="/usr/bin:/bin", timeout=600)
        if done.returncode or done.stdout:
            raise Wrong(f"{done.returncode}: {done.stdout}{done.stderr}")
        target = self.guest.home / ".local" / "opt" / "liposcope"
        self.guest.program = target / "LipoScope"
        entry = (self.guest.home / ".local/share/applications/liposcope.desktop").read_text(encoding="utf-8")
        if str(target) not in entry:
            raise Wrong("the menu's entry does not name the program")
        return "as the user's own program, with an entry in the menu"

    def is_alone(self) -> str:
        """Has neither network nor Python."""
        done = self.guest.run(["/bin/cat", "/proc/net/dev"])
        names = [line.split(":")[0].strip() for line in done.stdout.splitlines()[2:]]
        if done.returncode or names != ["lo"]:
            raise Wrong(f"the network has {', '.join(names) or done.stderr.strip()}")
        if any(self.guest.empty.iterdir()):
            raise Wrong("there is something on PATH")
        return "no interface but an unplugged loopback, PATH holds nothing"

    def tells_version(self) -> str:
        """Tells its version."""
        said = self.ask("--version").strip()
        if version() not in said:
            raise Wrong(f"'{said}' is not {version()}")
        return said

    def tests_itself(self) -> str:
        """Tests itself."""
        found = json.loads(self.ask("selftest", "--json"))
        missing = [name for name, value in found["versions"].items() if value == "unknown"]
        if not found["ok"] or missing:
            raise Wrong(f"ok is {found['ok']}; without a version: {missing}")
        return f"{found['ibsi']['within']} IBSI values within tolerance, N4 and ComBat as stored"

    def knows_no_cluster(self) -> str:
        """Knows no --cluster."""
        done = self.guest.run_program(["extract", "cohort.csv", "--recipe", "ibsi", "--out", "f.csv", "--cluster",
                                       "tcp://127.0.0.1:1"])
        if done.returncode != 2 or "--cluster" not in done.stderr:
            raise Wrong(f"{done.returncode}: {done.stderr}")
        return done.stderr.strip().splitlines()[-1]

    # Scores

    def scores_demo(self) -> str:
        """Scores the demo case as the source does."""
        out = self.guest.room / "demo"
        self.ask("demo", "case", "--out", str(out), "--json")
        return self.score_as_source(self.demo("image"), self.demo("mask"), "--model", MODEL, "--out", str(self.report))

    def demo(self, name: str) -> str:
        """Return the demo case's 'image' or 'mask'."""
        found = sorted((self.guest.room / "demo").glob(f"*{name}*.nii.gz"))
        if not found:
            raise Wrong(f"the demo case has no {name}")
        return str(found[0])

    def scores_nifti(self) -> str:
        """Scores a real NIfTI case as the source does."""
        case = self.shared("sts") / "STS_003"
        return self.score_as_source(str(case / "t1.nii.gz"), str(case / "gtv.nii.gz"), "--model", MODEL)

    def scores_dicom(self) -> str:
        """Scores a real DICOM case as the source does."""
        case = self.shared("sts_dicom") / "STS_002"
        image, outline = launching.image_and_outline(case)
        return self.score_as_source(str(image), str(outline), "--model", MODEL)

    def scores_with_own(self) -> str:
        """Scores with its own new model as the source does."""
        return self.score_as_source(self.demo("image"), self.demo("mask"), "--model", str(self.guest.room / "model"))

    def score_as_source(self, *words: str) -> str:
        """Score with the program and with the source, and compare every number."""
        ours = json.loads(self.ask("score", *words, "--json", "--jobs", JOBS))
        plain = [word for word in words if word not in ("--out", str(self.report))]
        theirs = json.loads(self.ask_source("score", *plain, "--json", "--jobs", JOBS))
        compared, differences = compare(ours, theirs)
        if differences:
            raise Wrong("; ".join(differences[:5]))
        return f"probability {ours['probability']:.6f}, {compared} numbers equal to 1e-9"

    def reads_codecs(self) -> str:
        """Reads compressed DICOM."""
        found = {}
        for folder in sorted(self.shared("dicom").glob("generic/compressed*")):
            out = self.guest.room / f"{folder.name}.nii.gz"
            self.ask("convert", str(folder / "001"), str(out), "--json")
            found[folder.name] = out.stat().st_size
        if not found:
            raise Skipped("no compressed series lie in the shared data")
        return ", ".join(name.removeprefix("compressed").strip("_") or "jpeg" for name in found)

    def corrects_with_ants(self) -> str:
        """Corrects a bias field with ANTs, the engine of the 2019 study."""
        image = self.demo("image")
        told = json.loads(self.ask("n4", image, str(self.guest.room / "n4.nii.gz"), "--engine", "ants",
                                   "--iterations", "5", "--levels", "2", "--json"))
        return f"variation {told['cv_before']:.3f} to {told['cv_after']:.3f}"

    # Cohorts

    def makes_cohort(self) -> str:
        """Draws a practice cohort."""
        out = str(self.guest.room / "cohort")
        self.ask("demo", "cohort", "--cases", str(CASES), "--sites", "2", "--out", out, "--jobs", JOBS)
        return f"{CASES} cases of 2 sites"

    def measures(self) -> str:
        """Measures the cohort with two jobs."""
        out = self.guest.room / "features.parquet"
        told = json.loads(self.ask("extract", str(self.guest.room / "cohort" / "cohort.csv"), "--recipe", "pyradiomics",
                                   "--out", str(out), "--jobs", JOBS, "--json"))
        if told["measured"] != CASES:
            raise Wrong(f"{told['measured']} of {CASES} cases were measured")
        return f"{CASES} cases, as Parquet of {out.stat().st_size} bytes"

    def trains(self) -> str:
        """Trains small models with two jobs."""
        told = self.train("model", "logistic", "xgb", "mlp")
        return ", ".join(f"{name} AUC {model['auc']['mean']:.3f}" for name, model in told["models"].items())

    def trains_network(self) -> str:
        """Trains a small network on pictures."""
        told = self.train("network", "cnn-quick", table=self.guest.room / "cohort" / "cohort.csv")
        return f"AUC {told['models']['cnn-quick']['auc']['mean']:.3f}"

    def scores_with_network(self) -> str:
        """Scores with the new network as the source does."""
        return self.score_as_source(self.demo("image"), self.demo("mask"), "--model", str(self.guest.room / "network"))

    def exports_onnx(self) -> str:
        """Exports the network as ONNX."""
        self.ask("models", "export", str(self.guest.room / "network"), "--onnx", str(self.guest.room / "network.onnx"))
        written = sorted(self.guest.room.glob("network*.onnx"))
        if not written:
            raise Wrong("nothing was written")
        return f"{len(written)} files that give the network's own answers"

    def train(self, name: str, *recipes: str, table: Path | None = None) -> dict[str, Any]:
        """Train with little repetition, and return what is told."""
        chosen = [word for recipe in recipes for word in ("--recipe", recipe)]
        told: dict[str, Any] = json.loads(self.ask(
            "train", str(table or self.guest.room / "features.parquet"), "--label", "label", "--positive", "ALT/WDL",
            "--patient", "patient", *chosen, "--folds", "2", "--repeats", "1", "--jobs", JOBS, "--json", "--out",
            str(self.guest.room / name)))
        return told

    def explores(self) -> str:
        """Explores the features, with maps by t-SNE and UMAP."""
        out = self.guest.room / "figures"
        self.ask("explore", str(self.guest.room / "features.parquet"), "--label", "label", "--out", str(out))
        return f"{len(list(out.iterdir()))} files"

    # The window

    def opens_window(self) -> str:
        """Opens its window and closes it cleanly."""
        with launching.window(self.guest) as opened:
            opened.screen.save(RESULTS / "window.png")
            return f"painted after {opened.seconds:.2f} s; closed with {opened.close()}"

    def survives_a_kill(self) -> str:
        """Survives the death of its engine while it scores, and scores on."""
        folders = [self.shared("sts") / name for name in ("STS_003", "STS_005", "STS_006")]
        cases = [str(path) for folder in folders for path in sorted(folder.glob("*.nii.gz"))]
        with launching.window(self.guest, ["--open", *cases]) as opened:
            said = launching.kill_an_engine(opened, self.guest)
            opened.screen.save(RESULTS / "killed.png")
            status = opened.close()
        if status != 0:
            raise Wrong(f"the window left with {status}")
        return said

    def leaves_nothing_behind(self) -> str:
        """Leaves no process behind, and nothing half-written."""
        living = self.guest.living()
        partial = [path.name for path in self.guest.home.rglob(".partial-*")]
        if living or partial:
            raise Wrong(f"living: {living}; half-written: {partial}")
        return "all processes have ended"

    def uninstall(self) -> str:
        """Takes itself away, and leaves the user's data."""
        script = self.guest.program.parent / "uninstall.sh"
        if not script.exists() or script.is_relative_to(ROOT):
            raise Skipped("nothing was installed")
        done = self.guest.run(["/bin/sh", str(script), "--silent"], path="/usr/bin:/bin")
        left = [path for path in (script.parent, self.guest.home / ".local/share/applications/liposcope.desktop",
                                  self.guest.home / ".local/bin/liposcope") if path.exists() or path.is_symlink()]
        if done.returncode or left:
            raise Wrong(f"{done.returncode}: {done.stderr}; left: {left}")
        if not (self.guest.home / ".local/share/LipoScope/store.sqlite3").exists():
            raise Wrong("the user's worklist is gone")
        return "the worklist is still there"

    # How

    def ask(self, *words: str) -> str:
        """Run the program's command line and return its output."""
        done = self.guest.run_program(list(words))
        if done.returncode:
            raise Wrong(f"{words[0]} left with {done.returncode}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def ask_source(self, *words: str) -> str:
        """Run the source's command line, with a data folder of its own."""
        with self.guest.source_data() as environment:
            done = subprocess.run([sys.executable, "-m", "app", *words], cwd=ROOT, env=environment, capture_output=True,
                                  text=True, timeout=900, check=False)
        if done.returncode:
            raise Wrong(f"the source left with {done.returncode}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def shared(self, name: str) -> Path:
        """A folder of real cases, or a reason to skip."""
        if not (SHARED / name).is_dir():
            raise Skipped("the folder of real cases is not beside this one")
        return SHARED / name
