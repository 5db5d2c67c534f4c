"""The figures of a month: data, report, page, publication."""
