"""The tutorial, as somebody would follow it; `make pictures` makes its pictures on the way."""
