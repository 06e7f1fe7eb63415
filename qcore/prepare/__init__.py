"""What pages need of a network, written once to disk so that they never load torch."""
