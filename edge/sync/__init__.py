"""What comes in: received, verified, stored, complete before it counts. Knows no room after it."""
