"""Side-by-side measurements, one command: `python -m benchmarks [NAME...] [--quick]`. The tables: RESULTS.md."""
