"""The parts of `scripts/bench powercut`: a recorder, a device's days on it, crash states, and a judge of each."""
