"""Evidence: what the ledger can prove about a case, why a notice was sent, and whether anything was tampered with."""
