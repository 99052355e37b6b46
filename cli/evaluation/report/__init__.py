"""The HTML report of an evaluation: template, words and figures."""
