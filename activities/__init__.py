"""Whatever touches the world, one module per counterpart."""
