"""Answers of the engine about networks."""

import json

import numpy as np

from app.core.recipe import Recipe

NETWORK = {"crop": {"set": "slices", "size": 64, "most": 12, "mask_channel": True}, "fit": {"epochs": 60}}
RESNET = {"kind": "resnet18", "weights": "resnet18.pth", "standardise": "imagenet",
          "crop": {"set": "largest_slice", "size": 64, "scale": "unit", "channels": 3},
          "fit": {"phases": [{"unfreeze": "head", "epochs": 4}, {"unfreeze": "last", "epochs": 6, "rate": 1e-5}]}}
RECIPES = [{"name": name, "title": title, "description": f"About {name}.", "shipped": True, "kind": "network",
            "features": None,
            "recipe": Recipe.parse({"name": name, "description": f"About {name}.", "features": None,
                                    "model": {"folds": 5, "repeats": 1}, "network": network}).model_dump(mode="json")}
           for name, title, network in (("cnn-small", "Small network", NETWORK), ("resnet", "ResNet-18", RESNET))]
CPU = {"kind": "cpu", "name": "CPU, 2 threads", "memory": None, "described": "CPU, 2 threads"}
CUDA = {"kind": "cuda", "name": "NVIDIA H100", "memory": 79.6, "described": "NVIDIA H100, 80 GiB"}
MISSING = {"file": "resnet18.pth", "folder": "/data/weights", "fits": False,
           "message": "The weights 'resnet18.pth' are not there. Put the file into /data/weights, or choose another."}


def described(request, device=CPU, weights=MISSING, parameters=391169):
    return {"device": device, "networks": {
        recipe["name"]: {"parameters": parameters, "copies": recipe["network"]["copies"], "problem": "",
                         "weights": weights if recipe["network"]["weights"] else None}
        for recipe in request["recipes"]}}


def previewed(request, folder, case="P1", place=0, varied=True):
    count = request["count"] if request["recipe"]["network"]["augment"] else 0
    rng = np.random.default_rng(request["seed"])
    pictures = rng.normal(size=(1 + count, 32, 32)).astype(np.float32)
    outlines = np.zeros(pictures.shape, bool)
    outlines[:, 8:24, 8:24] = True
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "variants.npy", pictures)
    np.save(folder / "outlines.npy", outlines)
    return {"case": case, "place": place, "cases": 24, "pictures": str(folder / "variants.npy"),
            "outlines": str(folder / "outlines.npy"), "window": [-2.0, 2.0], "count": 12,
            "varied": [varied] * count, "shape": [2, 64, 64]}


def write_epochs(keep, *lines, name="a", title="cnn-small", networks=2, epochs=60):
    folder = keep / "epochs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    head = [] if path.exists() else [{"title": title, "networks": networks, "device": "CPU, 1 thread",
                                      "epochs": epochs}]
    with path.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in (*head, *lines))
    return path


def epoch(number, watched=None, auc=None, network=1, phase=1, loss=0.7, batch=8):
    return {"network": network, "epoch": number, "phase": phase, "loss": loss, "watched": watched, "auc": auc,
            "rate": 0.001, "batch": batch}
