"""What compare.py is made of: measuring, the table, the stacks of both programs, the emulator."""
