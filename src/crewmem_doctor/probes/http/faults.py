"""What can go wrong on the way to an application, in words."""

from __future__ import annotations

import email.utils
import http.client
import socket
import ssl
import time
import urllib.error
import zlib
from email.message import Message as Headers


def named(error: BaseException, seconds: float) -> tuple[str, bool]:
    """What went wrong, and whether the application may have got the request. `seconds` is how long it was given."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    if isinstance(error, ssl.SSLCertVerificationError):
        return (f"TLS: the certificate is not trusted: {error.verify_message} "
                "(SSL_CERT_FILE names a file with another authority)"), False
    if isinstance(error, ssl.SSLError):
        return _tls(error), False
    if isinstance(error, socket.gaierror):
        return "the name of the host could not be resolved", False
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused", False
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:.0f} seconds (--timeout)", True
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
        return "the connection was closed without an answer", True
    if isinstance(error, http.client.IncompleteRead):
        return "the answer broke off", True
    if isinstance(error, zlib.error):
        return "the answer could not be unpacked", True
    if isinstance(error, http.client.HTTPException):
        return f"what answers does not speak HTTP ({type(error).__name__})", True
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:], False
    return f"{type(error).__name__}: {error}", True


def _tls(error: ssl.SSLError) -> str:
    reason = error.reason or "UNKNOWN"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return f"TLS: no TLS is spoken at this port ({reason}); is it http://?"
    return f"TLS: the handshake failed ({reason})"


def patience(headers: Headers, otherwise: float) -> float:
    """Seconds to wait, from Retry-After: a number or a date."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return otherwise
    return max(when - time.time(), 0.0)
