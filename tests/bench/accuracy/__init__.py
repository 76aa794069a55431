"""How far measured times are from the truth: our prober, plain SDK loops, GuideLLM and AIPerf on one schedule.

`python -m tests.bench.accuracy [--full]`. `truth/` is the server that knows, `build` makes it, `setup` installs the
tools, and each run is a process of its own (`client.py`, or a tool).
"""
