"""The front door: the command line of the finance system and the operators."""

from gateway.cli import app


def main() -> None:
    """The command `arrears`."""
    app()


if __name__ == "__main__":
    main()
