"""The ceremony: who in a province may sign what, written down as signed metadata. Runs on a person's own machine."""
