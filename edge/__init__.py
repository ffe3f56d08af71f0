"""One device: it fetches, verifies, decides, plays, observes, reports; rooms in the order in which data meets them."""
