"""``python -m gridgeo``: the command line where the scripts' folder is not on the path, as often on Windows."""

from gridgeo.cli import main

if __name__ == "__main__":
    main()
