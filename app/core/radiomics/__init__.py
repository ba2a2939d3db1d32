"""Radiomics: one extractor over pyradiomics, one catalogue of what it measures, and size, which needs neither."""
