"""Networks on images: crops, training, scoring, and where they looked; torch and MONAI."""
