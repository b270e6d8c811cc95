"""What each CrewAI release does, as data with evidence."""
