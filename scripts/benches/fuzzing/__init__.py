"""Hostile input, made from good input and shown to the real parsers: `scripts/bench fuzz`, and ten seconds of tests.

`mutate` makes the mutants; `trial` says what a finding is, `engine` looks for them, `pool` does so on every processor.
What is tried: `signed` (metadata, envelopes, log batches), `messages` (programmes, MQTT to devices), `doors` (the hub's
MQTT and HTTP), `answers` (what a device fetches).
"""
