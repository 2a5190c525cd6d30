"""Command line of csnn-tf: parse, call one function of the package, print."""
