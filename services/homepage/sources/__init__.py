"""Sources: who proposes candidates."""
