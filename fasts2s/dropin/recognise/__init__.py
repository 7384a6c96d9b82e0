"""Which definitions of a reader's are the book's: by their text, and by what they compute."""
