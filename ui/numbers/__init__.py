"""The parts of the page Numbers."""
