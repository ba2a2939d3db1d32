"""On paper, in HTML or PDF: a scored case, and what a training run or an external test found."""
