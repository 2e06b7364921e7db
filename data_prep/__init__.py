"""Packed training sets from files, archives and downloads."""
