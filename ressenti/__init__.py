"""The roof: command line, demo and doctor; it joins the floors and does no work of its own."""
