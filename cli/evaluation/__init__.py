"""`vitrine evaluate`: rankings, metrics and the report. docs/evaluation.md describes them."""
