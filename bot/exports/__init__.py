"""Recorded lives as workbooks and CSV, written in a process of their own; the only room that knows XlsxWriter."""
