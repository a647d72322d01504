"""Why something cannot be composed. Here only the exceptions; who raises them knows what is missing."""


class CannotCompose(Exception):
    """A step's message cannot be made as things are: the step is refused and a person has to mend something.

    Attributes:
        reason: What is missing or wrong, and what to do about it, in words for an operator.
    """

    def __init__(self, reason: str) -> None:
        """Takes the reason."""
        super().__init__(reason)
        self.reason = reason


class Undeliverable(CannotCompose):
    """The debtor cannot be reached this way: there is no address, or it is none."""


class ContactTaken(Exception):
    """The buyer is being contacted in another case: of two that come at once one has to look again."""


class CameBack(Undeliverable):
    """The last notice to the address came back, as the case was told then."""
