"""The engine: values, recipes, steps, estimators, workflows, bundles and jobs. It never imports Qt."""
