"""Every way in, all speaking to one service layer."""
