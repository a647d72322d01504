"""What it costs, against the bare engine: every figure stands beside one of Temporal alone, measured in the same run.

    python -m bench [--quick] [--only NAME,…] [--out FILE]

One `Ground` (server and mail sink) carries all of it; two `Side`s, ours and the bare one, take turns on it. Each
subject has a room of its own: `rates`, `ladders`, `footprint`, `crash`, `rules`.
"""
