"""What two programs of Loa must agree on, and the pure rules that both apply.

No files, no clock, no network, no randomness: time and bytes are arguments. Imports nothing else of Loa.
"""
