"""What comes back: mail to the reply address, delivery reports, read receipts, and to which case they belong."""
