"""The one error that is meant for the person who runs the program."""


class OperatorError(Exception):
    """Something that the operator can put right.

    The message says in plain words what is wrong and what to do; the command line prints it
    without a traceback and exits with code 2. It never carries a customer's text or a secret.
    """
