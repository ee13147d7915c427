from io import BytesIO

from lrsched.log import Log
from lrsched.logs import read_logs


def read(text: str | bytes) -> list[Log]:
    """The logs of a file with this content and no name."""
    return read_logs(BytesIO(text.encode() if isinstance(text, str) else text))
