"""From files of results to pages: figures, tables, verdicts, the front page and the site.

It reads files and never trains. From the top: the site, the front page, figures and verdicts, tables, labels and
wording; each may use those below it. Of other rooms it may use training (names and folders of runs) and what lies
lower.
"""
