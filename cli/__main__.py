"""`python -m cli` is `growth`, where the project is not installed."""

from cli.main import main

if __name__ == "__main__":
    main()
