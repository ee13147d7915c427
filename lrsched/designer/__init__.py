"""A page on which a schedule is shaped by hand; all that it shows is one pure function, ``answer``."""

from lrsched.designer.answer import answer
from lrsched.designer.document import Document
from lrsched.designer.session import RefusedError, Session
from lrsched.designer.state import RequestError

__all__ = ["Document", "RefusedError", "RequestError", "Session", "answer"]
