"""What sounds next: holds the inputs, asks `wire.timeline`, and says it as cues."""
