"""What stands in the place of the book's classes, functions and loops, where a layer of ours alone would not do."""
