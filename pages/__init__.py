"""How results are shown: pages of HTML, accessible tables, pictures as SVG, figures as their readers write them.

    paper     the page: frame, style, sections, tables     pictures  charts of a day
    reader    numbers and days in the reader's language    heat_map  a table of values in colours
    colours   the few colours of the house

A page is one file that fetches nothing and runs nothing. Whatever comes from outside is escaped on its way in.
"""
