"""File formats in: rows and documents to invoices, refused ones kept. Begin at `invoices`."""
