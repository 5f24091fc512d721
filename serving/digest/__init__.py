"""What is told of the published file in sentences: figures that crossed a bound, and the week."""
