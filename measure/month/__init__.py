"""The report of a month: data, counts, sections, page and files, publication."""
