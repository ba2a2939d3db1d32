"""How the settings of a network's recipe are shown: titles, units, words; those most wanted first, the rest apart."""

from __future__ import annotations

from app.ui.widgets.recipe_form import Look

KINDS = {"cnn-small": "Small network", "cnn-2019": "Network of the 2019 study",
         "resnet18": "ResNet-18", "resnet50": "ResNet-50", "densenet121": "DenseNet-121",
         "resnet10-3d": "ResNet-10 in three dimensions", "resnet18-3d": "ResNet-18 in three dimensions"}
SETS = {"largest_slice": "The slice where the tumour is largest", "slices": "Every slice with tumour",
        "neighbours": "Every slice, with those before and after it as channels",
        "volume": "One volume, in three dimensions"}
SCALES = {"zscore": "Mean 0, standard deviation 1", "percentile": "Percentiles 1 to 99 become 0 to 1",
          "unit": "Lowest to highest become 0 to 1", "nyul": "Standard histogram (Nyul) to 0 to 1"}
IMBALANCE = {"none": "Nothing", "weights": "The rarer class weighs more", "oversample": "The rarer class is drawn more "
             "often", "focal": "Focal loss: what is already right counts less"}
LAYERS = {"head": "Only the last layers", "last": "The last layers and the last block", "all": "Everything"}

NETWORK = {"kind": Look("Network", words=KINDS, tip="How the network is built"),
           "copies": Look("Networks trained", low=1, high=10,
                          tip="From different seeds; their answers are put together, and their spread is shown")}
NETWORK_MORE = {
    "use": Look("Gives", words={"score": "A probability by itself",
                                "features": "Its pooled features, to the model of features"}),
    "tune": Look("Learns before its features are taken", tip="Else they are those of its weights, and soon there"),
    "standardise": Look("Grey values expected by the weights", words={"none": "As they are cut",
                                                                     "imagenet": "Mean and deviation of ImageNet"}),
    "dropout": Look("Dropout", low=0, high=0.9, tip="Share of the features that is silenced while it learns"),
    "aggregate": Look("Slices of a case", words={"mean": "Mean of their probabilities", "max": "The highest one"}),
    "combine": Look("Several networks", words={"mean": "Mean of their probabilities", "majority": "Majority of votes"}),
    "views": Look("Variants of a scored case", low=0, high=32, tip="Their spread is part of a score's interval"),
    "weights_origin": Look("Origin of the weights", tip="Who made them, and from what pictures"),
    "weights_licence": Look("Licence of the weights"),
}
CROP = {"set": Look("Set of pictures", words=SETS), "size": Look("Pixels of a side", low=32, high=256),
        "depth": Look("Slices of a volume", low=8, high=64),
        "scale": Look("Grey values", words=SCALES, tip="Of all pictures of a case together"),
        "mask_channel": Look("Show the outline to the network, as a further channel")}
CROP_MORE = {"margin_mm": Look("Margin around the tumour", low=0, high=50, unit="mm"),
             "field_mm": Look("Same field for every case", low=20, high=300, start=200, unit="mm",
                              tip="So that size shows in the picture; in place of the tumour's box and the margin"),
             "square": Look("Widen the shorter side; else the picture is stretched"),
             "channels": Look("Grey channels", tip="3: the grey picture three times"),
             "smallest": Look("Leave out slices below", low=0, high=0.9, tip="Share of the largest slice's tumour"),
             "most": Look("At most so many slices of a case", low=1, high=64, start=12),
             "sequence": Look("Sequence", tip="Where a case has several; else it is chosen among the models")}
AUGMENT = {"flip": Look("Mirror", words={"none": "Never", "horizontal": "Left and right", "both": "Along every axis"}),
           "rotate": Look("Turn, up to", low=0, high=90, unit="°"),
           "zoom": Look("Zoom, up to a share of", low=0, high=0.5),
           "shift": Look("Shift, up to a share of", low=0, high=0.5),
           "noise": Look("Noise, up to a deviation of", low=0, high=0.5, tip="As a share of the picture's own"),
           "gamma": Look("Contrast (gamma), up to", low=0, high=1),
           "share": Look("Share of pictures varied", low=0, high=1)}
FIT = {"epochs": Look("Epochs at most", low=1, high=200, log=True, tip="Training stops sooner when nothing is gained"),
       "imbalance": Look("Against unequal classes", words=IMBALANCE)}
FIT_MORE = {
    "optimiser": Look("Optimiser", words={"adam": "Adam", "adamw": "AdamW", "sgd": "SGD with momentum"}),
    "rate": Look("Learning rate", low=1e-6, high=0.1, log=True),
    "earlier": Look("Rate of earlier blocks", low=0.05, high=1, tip="As a share of that of the block after it"),
    "weight_decay": Look("Weight decay", low=0, high=0.1),
    "batch": Look("Pictures at a time", low=2, high=128, tip="Halved by itself when memory runs out"),
    "watched": Look("Share of training patients watched", low=0, high=0.5,
                    tip="They stop the training; patients that the network is tested on are never watched"),
    "plateau_patience": Look("Lower the rate after", low=1, high=50, unit="epochs", tip="Without a lower watched loss"),
    "plateau_factor": Look("… to a share of", low=0.1, high=0.9),
    "stop_patience": Look("Stop after", low=1, high=100, unit="epochs", tip="Without a lower watched loss"),
    "focal_gamma": Look("Focal loss: gamma", low=0, high=5),
    "mixed_precision": Look("Half precision on a graphics card"),
}
PHASE = {"unfreeze": Look("What learns", words=LAYERS), "epochs": Look("Epochs at most", low=1, high=200, log=True),
         "rate": Look("Learning rate", low=1e-6, high=0.1, log=True)}
