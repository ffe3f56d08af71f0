"""What a thief of the hub, the broker, one key or one device tries, by whom it is tried."""
