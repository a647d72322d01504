"""Bank files: what a bank sends, read into statements and entries, its sums checked. Nothing is stored here."""
