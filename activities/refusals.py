"""Why something cannot be composed. Here only the exception; who raises it knows what is missing."""


class CannotCompose(Exception):
    """A step's message cannot be made as things are: the step is refused and a person has to mend something.

    Attributes:
        reason: What is missing or wrong, and what to do about it, in words for an operator.
    """

    def __init__(self, reason: str) -> None:
        """Takes the reason."""
        super().__init__(reason)
        self.reason = reason
