"""The watched folder: what is dropped into `inbox/` is taken in, and filed under `done/` or `refused/`."""
