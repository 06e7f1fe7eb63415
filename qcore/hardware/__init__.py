"""What an allocation costs."""
