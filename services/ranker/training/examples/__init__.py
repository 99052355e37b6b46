"""Examples: users at moments of the past, with candidates and what became of them; made from the log and kept on the
disk.
"""
