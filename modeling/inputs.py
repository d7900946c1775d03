"""What the model reads of a message."""


def compose(subject: str | None, text: str) -> str:
    """The subject line, where there is one, and then the text.

    Args:
        subject: the message's subject line; None or blank counts as absent.
        text: the message's body; may be blank when the subject says it all.
    """
    parts = ((subject or "").strip(), text.strip())
    return "\n".join(part for part in parts if part)
