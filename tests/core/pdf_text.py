"""The words of a PDF as fpdf2 writes them: streams inflated, glyph numbers mapped back by each font's own table."""

import re
import zlib


def read_pdf(data: bytes) -> str:
    """Text of all pages with single spaces."""
    # what looks like the end of a line may be the stream's last byte: an object inflates what is there
    streams = [zlib.decompressobj().decompress(body) if b"FlateDecode" in head else body for head, body in
               re.findall(rb"\d+ 0 obj\s*<<(.*?)>>\s*stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)]
    tables = [_read_table(stream) for stream in streams if b"begincmap" in stream]
    fonts = dict(zip(sorted(set(re.findall(rb"/(F\d+) \d+ 0 R", data))), tables, strict=True))
    words = []
    for stream in streams:
        if b" Tf" not in stream:
            continue
        font = {}
        for name, text in re.findall(rb"/(F\d+) [\d.]+ Tf|\(((?:[^()\\]|\\.)*)\) Tj", stream, re.DOTALL):
            if name:
                font = fonts[name]
            else:
                codes = re.sub(rb"\\(.)", lambda found: {b"r": b"\r", b"n": b"\n"}.get(found[1], found[1]), text,
                               flags=re.DOTALL)
                words.append("".join(font.get(int.from_bytes(codes[at:at + 2]), "?") for at in range(0, len(codes), 2)))
    return re.sub(r"\s+", " ", " ".join(words))


def _read_table(stream: bytes) -> dict[int, str]:
    pairs = re.findall(rb"^<([0-9A-F]{4})> <([0-9A-F]+)>$", stream, re.MULTILINE)
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be", "replace") for code, text in pairs}
