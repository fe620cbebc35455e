"""What the domain asks of the outside, one small Protocol a file."""
