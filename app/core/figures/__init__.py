"""Figures for print: each as SVG, PNG and the numbers behind it, with a sentence of what it tells and what not."""
