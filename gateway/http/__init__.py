"""Ways in by HTTP. So far one: what providers report on notices that left (`hooks`)."""
