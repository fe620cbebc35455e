"""What callers may ask for, one small family a file."""
