"""The revisions. A file is `<four digits>_<what it does>.py`; its revision is the digits."""
