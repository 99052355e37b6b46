"""The items that the shop sells and shows: checked, numbered, committed by version, read from memory."""
