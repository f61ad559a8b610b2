"""What stands in the cells of lists: a small tuple for each row, whose markup is in the template (`{% rows … %}`)."""
