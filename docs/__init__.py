"""The documentation: its pages, and what runs their examples and writes their tables and pictures."""
