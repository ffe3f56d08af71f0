"""One module a verb of `loa-provision`; the docstring of its function is its help."""
