"""What the GPU programs share: the machine, timing, the gate, contestants, tables."""
