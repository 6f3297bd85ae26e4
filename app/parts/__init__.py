"""What pages are made of: the map component, forms, tables, figures, downloads."""
