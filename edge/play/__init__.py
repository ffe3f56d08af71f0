"""The sound of one device, in a process of its own without network or keys. `pipe` says how to speak with it."""
