"""The embedded stack: Temporal's development server, the worker and a mail sink, under one folder."""
