"""What benchmarks measure with. `scripts/bench` lists the files above, not these."""
