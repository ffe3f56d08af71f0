"""Enrolling devices: the conversation between a technician, a device and the hub. `commands/enrol` is its door."""
