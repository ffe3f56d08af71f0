"""What the device observes of itself and its board."""
