"""Training a network: phases, what is watched, early stopping, and a state that can be taken up exactly.

Every draw of an epoch (order, variants, dropout) comes from the seed and the epoch's number alone, so that an epoch
that is begun anew, after a stop or with smaller batches, is the epoch that it would have been.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.core.deep.checkpoint import Checkpoint, State
from app.core.deep.device import Device, is_out_of_memory, release_memory, reproducible, too_large
from app.core.deep.imbalance import Loss, draw_order
from app.core.deep.phases import freeze, is_head, list_phases, make_optimiser, set_training
from app.core.deep.predict import (
    Embed,
    Sample,
    Vary,
    embed_pictures,
    gather_cases,
    predict_logits,
    to_probability,
    vary_pictures,
)
from app.core.errors import Cancelled, RecipeError
from app.core.evaluate.metrics import auc
from app.core.jobs import Report
from app.core.network_recipe import NetworkRecipe

Array = NDArray[np.float64]
Labels = NDArray[np.int_]


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Parameters
    ----------
    number : int
        From 1, over all phases.
    phase : int
        From 1.
    rate : float
        The learning rate of the head.
    trained : float
        Mean loss of the pictures that were trained on.
    watched, auc : float or None
        Loss of the watched pictures and AUC of the watched cases; None where none are watched.
    batch : int
        Pictures of a step.
    """

    number: int
    phase: int
    rate: float
    trained: float
    watched: float | None
    auc: float | None
    batch: int


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training came to; the network itself holds the best weights.

    Parameters
    ----------
    history : tuple of Epoch
    best : int
        The epoch whose weights were kept.
    logits : array, shape (epochs, watched pictures)
        What each epoch's network said about the watched pictures; no columns where none are watched.
    batch : int
        Pictures of a step, after any halving.
    notices : tuple of str
        What the user should know.
    """

    history: tuple[Epoch, ...]
    best: int
    logits: Array
    batch: int
    notices: tuple[str, ...]


def train_network(
    network: nn.Module,
    recipe: NetworkRecipe,
    trained: Sample,
    watched: Sample,
    labels: Labels,
    seed: int,
    device: Device,
    vary: Vary | None = None,
    embed: Embed | None = None,
    report: Report | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train a network, in place.

    Parameters
    ----------
    network : Module
        `embed` gives the pooled features and `head` the log odds from them.
    recipe : NetworkRecipe
    trained, watched : Sample
        Of different patients; without watched pictures, training lasts for all epochs of the recipe.
    labels : array of int, shape (cases,)
        0 or 1, of the cases that both samples refer to.
    seed : int
    device : Device
    vary : callable, optional
        Makes the variants that are trained on; while only the head learns, the pictures stay as they are.
    embed : callable, optional
        Gives the pooled features of a sample's pictures, as `embed_pictures` does by default.
    report : callable, optional
        Told how far and what; may raise `Cancelled`, and the state is kept first.
    on_epoch : callable, optional
        Told each epoch, those of a state that is taken up included.
    checkpoint : Checkpoint, optional

    Returns
    -------
    Trained

    Raises
    ------
    RecipeError
        The loss is no number any more.
    EngineError
        The memory suffices for no batch.
    """
    with reproducible(seed, device):
        training = _Training(network.to(device.torch), recipe, trained, watched, labels, seed, device)
        training.vary, training.embed = vary, embed or embed_pictures
        found = checkpoint.load() if checkpoint else None
        if found:
            training.restore(found)
        tell = on_epoch or _say_nothing
        for epoch in training.history:
            tell(epoch)
        training.run(report or _say_nothing, tell, checkpoint)
        return training.conclude()


class _Training:
    """A training under way."""

    def __init__(
        self,
        network: nn.Module,
        recipe: NetworkRecipe,
        trained: Sample,
        watched: Sample,
        labels: Labels,
        seed: int,
        device: Device,
    ) -> None:
        self.network, self.recipe, self.fit, self.device = network, recipe, recipe.fit, device
        self.trained, self.watched, self.labels = trained, watched, labels
        self.targets = (labels[trained.cases], labels[watched.cases])
        self.seed = seed
        self.vary: Vary | None = None
        self.embed: Embed = embed_pictures
        self.phases = list_phases(recipe.fit)
        self.loss = Loss(recipe.fit, self.targets[0])
        self.history: list[Epoch] = []
        self.logits: list[Array] = []
        self.notices: list[str] = []
        self.best: dict[str, Any] | None = None
        self.batch, self.stale, self.epoch = recipe.fit.batch, 0, 0
        self._begin(0)

    def _begin(self, phase: int) -> None:
        """Enter a phase: what is frozen, and a fresh optimiser."""
        self.phase, self.epoch, self.stale = phase, 0, 0
        asked = self.phases[phase]
        freeze(self.network, asked.unfreeze)
        self.optimiser = make_optimiser(self.network, self.fit, asked.rate)
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser,
            factor=self.fit.plateau_factor,
            patience=max(self.fit.plateau_patience - 1, 0),  # torch waits for one epoch more than it is told
            threshold=0.0,
        )
        self.half = self.fit.mixed_precision and self.device.kind == "cuda"
        self.scaler = torch.amp.GradScaler("cuda", enabled=self.half)
        self.features: list[Tensor] = []
        self.fixed: State = {}

    def _copy_network(self) -> State:
        """All tensors, on the CPU; while only the head learns, the others are copied once."""
        state = self.network.state_dict()
        if self.phases[self.phase].unfreeze == "head":
            self.fixed = self.fixed or _to_cpu({name: value for name, value in state.items() if not is_head(name)})
            state = {name: value for name, value in state.items() if is_head(name)}
        return {**self.fixed, **_to_cpu(state)}

    def _freeze_features(self) -> None:
        """Where only the head learns: the pooled features of all pictures, once for the whole phase."""
        samples = [sample for sample in (self.trained, self.watched) if len(sample)]
        found = [self.embed(self.network, sample, self.device) for sample in samples]
        self.features = [torch.from_numpy(each).to(self.device.torch) for each in found]

    def run(self, report: Report, on_epoch: Callable[[Epoch], None], checkpoint: Checkpoint | None) -> None:
        """Train until the last phase has ended."""
        while self.phase < len(self.phases):
            state = self.capture()
            if checkpoint:
                checkpoint.offer(state)
            try:
                self._run_epoch(report)
            except Cancelled:
                if checkpoint:
                    checkpoint.save(state)
                raise
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if state["batch"] <= 2:
                    raise too_large(self.device) from error
                self._halve(state)
                continue
            on_epoch(self.history[-1])
        if checkpoint:
            checkpoint.save(self.capture())

    def _halve(self, state: State) -> None:
        self.restore(state)
        self.batch = max(self.batch // 2, 2)
        self.notices.append(
            f"Memory ran out with {state['batch']} pictures at a time; training goes on with {self.batch}."
        )
        release_memory(self.device)

    def _run_epoch(self, report: Report) -> None:
        number = len(self.history) + 1
        seed = int(np.random.SeedSequence([self.seed, self.phase, self.epoch]).generate_state(1)[0])
        torch.manual_seed(seed)
        if self.phases[self.phase].unfreeze == "head" and not self.features:
            self._freeze_features()
        order = draw_order(self.fit, self.targets[0], np.random.default_rng(seed))
        # pieces of about the same size: a last one of a single picture would have no variance to normalise by
        pieces = np.array_split(np.arange(len(order)), math.ceil(len(order) / self.batch))
        set_training(self.network)
        total = 0.0
        for done, piece in enumerate(pieces):
            report(self._fraction(done / len(pieces)), f"Epoch {number} of at most {self._most()}{self._told()}")
            total += self._step(order[piece], piece, seed) * len(piece)
        self._judge(number, total / len(order))

    def _step(self, places: NDArray[np.int_], drawn: NDArray[np.int_], seed: int) -> float:
        """Learn from pictures; `drawn` tells two variants of one picture apart."""
        labels = torch.from_numpy(self.targets[0][places]).to(self.device.torch)
        forward: Any = self.network
        if self.features:
            given, forward = self.features[0][torch.from_numpy(places).to(self.device.torch)], self.network.head
        else:
            pictures = self.trained.read(places)
            if self.vary is not None:
                pictures = vary_pictures(pictures, self.vary, seed, drawn)
            given = torch.from_numpy(pictures).to(self.device.torch)
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self.device.kind, dtype=torch.float16, enabled=self.half):
            logits = forward(given).reshape(-1)
        loss = self.loss.trained(logits, labels)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return loss.item()

    def _judge(self, number: int, loss: float) -> None:
        """Note an epoch, keep its weights if they are the best, and see whether the phase has ended."""
        _insist_on_number(loss, number)
        watched, area = None, None
        rate = float(self.optimiser.param_groups[-1]["lr"])
        if len(self.watched):
            logits = self._ask_watched()
            targets = torch.from_numpy(self.targets[1])
            watched = float(self.loss.watched(torch.from_numpy(logits), targets))
            _insist_on_number(watched, number)
            cases = np.unique(self.watched.cases)
            means = gather_cases(to_probability(logits), self.watched.cases, len(self.labels), self.recipe.aggregate)
            known = auc(self.labels[cases], means[cases])
            area = known if math.isfinite(known) else None
            self.logits.append(logits)
        self.history.append(Epoch(number, self.phase + 1, rate, loss, watched, area, self.batch))
        judged = loss if watched is None else watched
        self.scheduler.step(judged)
        self.epoch += 1
        self.stale += 1
        if watched is None or self.best is None or watched < self.best["loss"]:
            self.best = {"loss": judged, "number": number, "weights": self._copy_network()}
            self.stale = 0
        if self.epoch >= self.phases[self.phase].epochs or self.stale >= self.fit.stop_patience:
            self.network.load_state_dict(self.best["weights"])
            if self.phase + 1 < len(self.phases):
                self._begin(self.phase + 1)
            else:
                self.phase += 1

    def _ask_watched(self) -> Array:
        if not self.features:
            return predict_logits(self.network, self.watched, self.device, batch=self.batch)
        self.network.eval()
        with torch.inference_mode():
            head: Any = self.network.head
            return np.asarray(head(self.features[1]).reshape(-1).float().cpu().numpy(), dtype=np.float64)

    def _most(self) -> int:
        """The most epochs that may come of it, those of earlier phases as they were."""
        return len(self.history) - self.epoch + sum(phase.epochs for phase in self.phases[self.phase :])

    def _fraction(self, share: float) -> float:
        planned = sum(phase.epochs for phase in self.phases)
        before = sum(phase.epochs for phase in self.phases[: self.phase])
        return min((before + self.epoch + share) / planned, 1.0)

    def _told(self) -> str:
        if not self.history or self.history[-1].watched is None:
            return ""
        area = self.history[-1].auc
        return f", watched loss {self.history[-1].watched:.3f}" + ("" if area is None else f", AUC {area:.2f}")

    def capture(self) -> State:
        """All that the next epoch begins from, on the CPU."""
        done = self.phase >= len(self.phases)
        return {
            "phase": self.phase,
            "epoch": self.epoch,
            "stale": self.stale,
            "batch": self.batch,
            "network": None if done else self._copy_network(),
            "optimiser": None if done else _to_cpu(self.optimiser.state_dict()),
            "scheduler": None if done else dict(self.scheduler.state_dict()),
            "scaler": None if done else dict(self.scaler.state_dict()),
            "best": self.best,
            "history": [asdict(epoch) for epoch in self.history],
            "logits": [torch.from_numpy(each) for each in self.logits],
            "notices": list(self.notices),
        }

    def restore(self, state: State) -> None:
        """Go back, or forward, to a captured state."""
        self.best, self.notices = state["best"], list(state["notices"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.logits = [each.numpy() for each in state["logits"]]
        if state["network"] is None:
            self.phase, self.batch = state["phase"], state["batch"]
            return
        self.network.load_state_dict(state["network"])
        self._begin(state["phase"])
        self.epoch, self.stale, self.batch = state["epoch"], state["stale"], state["batch"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.scaler.load_state_dict(state["scaler"])

    def conclude(self) -> Trained:
        """The best weights into the network, which is left in its mode for scoring."""
        if self.best is None:
            raise ValueError("a training has at least one epoch")
        self.network.load_state_dict(self.best["weights"])
        self.network.requires_grad_(True).eval()
        logits = np.stack(self.logits) if self.logits else np.zeros((len(self.history), 0))
        return Trained(tuple(self.history), self.best["number"], logits, self.batch, tuple(self.notices))


def _insist_on_number(loss: float, number: int) -> None:
    if not math.isfinite(loss):
        raise RecipeError(
            f"In epoch {number} the loss is no number any more.", "Choose a smaller learning rate and train again."
        )


def _to_cpu(value: Any) -> Any:
    """Copy tensors out of nested lists and dicts, so that what goes on does not change them."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {name: _to_cpu(each) for name, each in value.items()}
    return [_to_cpu(each) for each in value] if isinstance(value, list) else value


def _say_nothing(*_told: Any) -> None:
    """Take the place of whoever listens."""
