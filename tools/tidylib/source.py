"""A source file as the rules see it: lines, the same without comments and strings, functions."""

import dataclasses
import pathlib
import re
import subprocess

CPP = (".cc", ".h")
TEXT = CPP + (".py", ".sh", ".cmake", ".js", ".mjs", ".ts")


def tree(top):
    """All files of the project: what git knows and what is new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=top, check=True, capture_output=True, text=True)
    paths = [p for p in listed.stdout.split("\0") if p]
    extra = [p for p in paths if p.startswith("tools/") and "." not in pathlib.Path(p).name]
    return sorted(set([p for p in paths if p.endswith(TEXT)] + extra))


@dataclasses.dataclass(frozen=True)
class Function:
    line: int  # of its opening brace, from 1
    lines: int  # from the opening brace to the closing one
    name: str


@dataclasses.dataclass
class File:
    path: str  # relative to the top, with slashes
    text: str
    code: str = ""  # the text with comments and string contents blanked, same positions

    def __post_init__(self):
        self.lines = self.text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        self.code = blank(self.text) if self.is_cpp else self.text
        self.code_lines = self.code.split("\n")

    @staticmethod
    def read(top, path):
        absolute = pathlib.Path(top, path)
        if not absolute.is_file():
            return None
        relative = absolute.resolve().relative_to(pathlib.Path(top).resolve()).as_posix()
        return File(relative, absolute.read_text(encoding="utf-8", errors="replace"))

    @property
    def is_cpp(self):
        return self.path.endswith(CPP)

    @property
    def is_test(self):
        return self.path.endswith("_test.cc") or self.path.startswith("tests/")

    @property
    def floor(self):
        """The folder under src/ or include/, or an empty string outside of them."""
        parts = self.path.split("/")
        if len(parts) > 2 and parts[0] == "include":
            return parts[1]
        return parts[1] if len(parts) > 2 and parts[0] == "src" else ""

    def line_at(self, position):
        return self.code.count("\n", 0, position) + 1

    def allows(self, rule, line):
        """`tidy: allow RULE: reason` on the line or the one above it; a reason is owed."""
        pattern = re.compile(r"tidy: allow " + re.escape(rule) + r": \S")
        near = self.lines[max(0, line - 2):line]
        return any(pattern.search(text) for text in near)

    def includes(self):
        """(line, path) of each `#include "..."` and `#include <...>`, brackets kept on."""
        for number, text in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*("[^"]+"|<[^>]+>)', text)
            if found:
                yield number, found.group(1)

    def functions(self):
        return list(find_functions(self.code))


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"'
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """Replaces comments and the insides of literals by spaces; line breaks stay."""
    def hide(found):
        token = found.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        if len(token) < 2:
            return token
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
    return TOKEN.sub(hide, text)


SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def find_functions(code):
    """Outermost function bodies. A brace opens a function when what stands before it has a
    parameter list and is neither a type nor a namespace."""
    code = re.sub(r"^\s*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code,
                  flags=re.M)
    # A macro that stands where a declaration does, without a semicolon.
    code = re.sub(r"^\s*KELPIE_FIELDS\([^()]*\)", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code,
                  flags=re.M)
    depth_in_function = 0
    start = 0  # where the text before the next brace begins
    opened = None
    line = 1
    for position, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            head = code[start:position]
            if depth_in_function:
                depth_in_function += 1
            elif opens_function(head):
                depth_in_function = 1
                opened = (line, name_of(head))
            start = position + 1
        elif char == "}":
            if depth_in_function:
                depth_in_function -= 1
                if depth_in_function == 0:
                    yield Function(opened[0], line - opened[0] + 1, opened[1])
            start = position + 1
        elif char == ";" and not depth_in_function:
            start = position + 1


def opens_function(head):
    before_body = head.split("(")[0]
    if "(" not in head or SCOPE.search(before_body):
        return False
    # `= {` and `x{` inside a declaration open an initialiser, not a body.
    return not re.search(r"[=,]\s*$", head)


def name_of(head):
    found = re.search(r"([~\w:]+|operator\S+)\s*\(\s*([^)]*)", head)
    if not found:
        return "function"
    name = found.group(1)
    if name in ("TEST", "TEST_F", "TEST_P"):
        return f"{name}({found.group(2).strip()})"
    return name
