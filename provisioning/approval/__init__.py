"""The approval app: what a person sees, hears and signs, on that person's own machine."""
