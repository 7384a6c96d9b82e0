"""What the recurrent layers share."""
