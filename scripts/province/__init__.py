"""A whole province on one machine: the demo, and the story that checks it unattended."""
