"""Presentation of results: HTML pages, accessible tables, SVG pictures, numbers and dates in the reader's language.

    html_page     the frame, style, sections and tables of a page    charts       charts by half-hour or month
    localization  numbers and dates in the reader's language         forest_plot  differences with their intervals
    colours       the palette, with its contrast                     heat_map     a table of values in colours
                                                                     svg          pieces that the pictures share

A page is one file that loads nothing and runs no script. All text from outside is escaped.
"""
