"""What a network runs on, how the same seed gives the same numbers there, and how long training will take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from app.core.errors import EngineError, InputError

Kind = Literal["cuda", "mps", "cpu"]
KINDS: tuple[Kind, ...] = ("cuda", "mps", "cpu")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Device:
    """Something that networks run on.

    Parameters
    ----------
    kind : {'cuda', 'mps', 'cpu'}
    name : str
        As the user reads it.
    memory : float or None
        Of the device, GiB; None where it shares the computer's.
    threads : int or None
        Of the CPU, while networks run; None leaves them as they are. Processes side by side want one each: threads that
        wait for one another on a busy computer can take a hundred times as long.
    """

    kind: Kind
    name: str
    memory: float | None = None
    threads: int | None = None

    @property
    def torch(self) -> torch.device:
        """As torch wants it."""
        return torch.device(self.kind)

    def describe(self) -> str:
        """One line for the user."""
        return self.name if self.memory is None else f"{self.name}, {self.memory:.0f} GiB"


@dataclass(frozen=True)
class TrainingTime:
    """What an epoch takes, from a few steps that were timed.

    Parameters
    ----------
    picture : float
        Seconds for one picture, forwards and backwards.
    epoch : float
        Seconds.
    memory : int or None
        The most that the steps held on a CUDA device, bytes; None elsewhere.
    """

    picture: float
    epoch: float
    memory: int | None = None


def find_device(wanted: str = "auto", threads: int | None = None) -> Device:
    """Choose what to run on.

    Parameters
    ----------
    wanted : {'auto', 'cuda', 'mps', 'cpu'}
        'auto' takes the first of CUDA, MPS and CPU that is there.
    threads : int, optional
        Of the CPU.

    Raises
    ------
    InputError
        The one that is asked for is not there.
    """
    there: dict[Kind, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    for kind in KINDS if wanted == "auto" else [each for each in KINDS if each == wanted]:
        if there[kind]():
            return _describe(kind, threads)
    raise InputError(
        f"A network was to run on '{wanted}', which this computer does not have.", "Choose 'auto', or 'cpu'."
    )


def _describe(kind: Kind, threads: int | None) -> Device:
    if kind == "cuda":
        found = torch.cuda.get_device_properties(0)
        return Device("cuda", str(found.name), found.total_memory / 2**30, threads)
    if kind == "mps":
        return Device("mps", "Apple GPU", None, threads)
    count = threads or torch.get_num_threads()
    return Device("cpu", f"CPU, {count} thread{'s' * (count != 1)}", None, threads)


@contextmanager
def reproducible(seed: int, device: Device) -> Iterator[None]:
    """Make torch draw from `seed`, and only use algorithms that repeat; the caller's state comes back afterwards.

    Single precision stays single: no TF32, so that a GPU's numbers agree with a CPU's.
    """
    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    kept = (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, products.allow_tf32)
    count = torch.get_num_threads()
    strict, warn = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    devices = [torch.cuda.current_device()] if device.kind == "cuda" else []
    try:
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, products.allow_tf32 = True, False, False, False
        # some 3-D pooling has no repeatable form on CUDA: it warns there and goes on
        torch.use_deterministic_algorithms(True, warn_only=True)
        if device.threads is not None:
            torch.set_num_threads(device.threads)
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(count)
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, products.allow_tf32 = kept
        torch.use_deterministic_algorithms(strict, warn_only=warn)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that the memory did not suffice."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in ("out of memory", "not enough memory", "can't allocate memory")
    )


def release_memory(device: Device) -> None:
    """Give back what torch keeps in reserve."""
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()


def with_smaller_batches(run: Callable[[int], Found], batch: int, device: Device) -> Found:
    """Run something that takes a batch size, with half of it each time that the memory does not suffice.

    Raises
    ------
    EngineError
        Not even one picture fits.
    """
    while True:
        try:
            return run(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if batch <= 1:
                raise too_large(device) from error
        batch = max(batch // 2, 1)
        release_memory(device)


def too_large(device: Device) -> EngineError:
    """The error when the smallest batch does not fit."""
    return EngineError(
        f"The network does not fit into the memory of {device.describe()}, not even with the smallest batch.",
        "Choose smaller crops or a smaller network.",
    )


def time_training(
    network: nn.Module, shape: Sequence[int], batch: int, pictures: int, device: Device, steps: int = 2
) -> TrainingTime:
    """Time a few steps on made-up pictures, to tell beforehand what an epoch takes; the network is left as it was.

    Parameters
    ----------
    network : Module
        Parameters that are frozen cost no backward pass.
    shape : sequence of int
        Of one picture: (channels, y, x) or (channels, z, y, x).
    batch, pictures : int
        Pictures of a step and of an epoch.
    device : Device
    steps : int
        After a first one that is not counted.
    """
    state = {name: value.detach().clone() for name, value in network.state_dict().items()}
    training, place = network.training, next(network.parameters()).device
    taken: list[float] = []
    memory = None
    try:
        with reproducible(0, device):
            network.to(device.torch).train()
            if device.kind == "cuda":
                torch.cuda.reset_peak_memory_stats()
            made = torch.randn(batch, *shape, device=device.torch)
            for _ in range(steps + 1):
                begun = time.perf_counter()
                _step(network, made)
                if device.kind == "cuda":
                    torch.cuda.synchronize()
                taken.append(time.perf_counter() - begun)
            if device.kind == "cuda":
                memory = int(torch.cuda.max_memory_allocated())
    finally:
        network.zero_grad(set_to_none=True)
        network.load_state_dict(state)
        network.to(place).train(training)
    picture = min(taken[1:]) / batch
    return TrainingTime(picture, picture * pictures, memory)


def _step(network: nn.Module, pictures: Tensor) -> None:
    logits: Any = network(pictures)
    if logits.requires_grad:
        logits.square().mean().backward()
