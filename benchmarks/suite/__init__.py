"""What the comparing programs share: cases, data with its reference, peers, processes, gate, tables."""
