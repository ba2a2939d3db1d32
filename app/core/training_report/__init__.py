"""A training run or an external test on paper: methods, flow, tables, figures and checklists, in HTML or PDF."""
