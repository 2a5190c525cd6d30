"""The paper's tables, made anew from data at hand."""
