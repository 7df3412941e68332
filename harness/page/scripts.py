"""Data as scripts, and a page with its scripts and styles within: one file to send by mail."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping

_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
_POLICY = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")[^"]*(">)')


def script(target: str, data: object) -> bytes:
    """Data as a script that assigns it: a page opened from the disk may not read other files.

    JSON within a text, since in an object written out `__proto__` is no name; without `<`, which could end a script.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"{target} = JSON.parse('{quoted}');\n".encode()


def single_file(page: str, made: Mapping[str, bytes]) -> bytes:
    """A page of HTML with all that it loads within; its policy allows these very scripts and no request at all.

    Args:
        page: name of the HTML among the files.
        made: the files of the folder, by name.
    """
    digests: list[str] = []

    def inlined(found: re.Match[str]) -> str:
        # A parser of HTML would end the script, or read its line ends differently, and the digest would be another.
        text = made[found[1]].decode().replace("\r\n", "\n").replace("\r", "\n")
        text = re.sub(r"<(?=/script|script|!--)", r"\\x3c", text, flags=re.IGNORECASE)
        digests.append(base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())
        return f"<script>{text}</script>"

    text = _STYLE.sub(lambda found: f"<style>\n{made[found[1]].decode()}</style>", made[page].decode())
    text = _SCRIPT.sub(inlined, text)
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    policy = (
        f"default-src 'none'; script-src {scripts} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    return _POLICY.sub(lambda found: f"{found[1]}{html.escape(policy, quote=False)}{found[2]}", text, count=1).encode()
