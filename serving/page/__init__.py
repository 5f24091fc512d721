"""The daily page: one HTML file with what the published file says today."""
