"""A result of the suite, shown: tables for the terminal and for Markdown, charts, sentences, and one page of HTML."""
