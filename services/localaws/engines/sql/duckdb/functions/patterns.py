r"""Regular expressions: a subset of Java's syntax that RE2 understands alike.

https://trino.io/docs/476/functions/regexp.html. A pattern must be a literal made of the constructs
`Pattern` reads. Classes that differ are spelled out (``\s`` has the vertical tab); ``$``, which
also stands before a final newline, refuses such texts; and what cannot be proven alike
(backreferences, look-around, word boundaries, empty matches when replacing) is refused.
"""

from __future__ import annotations

import re

from localaws.engines.sql.base import SqlRefused
from localaws.engines.sql.duckdb.functions.registry import Call, scalar
from localaws.engines.sql.duckdb.typed import Expr, build, refuse_at_run_time, text
from localaws.engines.sql.duckdb.types import BIGINT, BOOLEAN, VARCHAR, Type, array

_WORD = "0-9A-Za-z_"
_SPACE = r"\t\n\v\f\r "
_ESCAPABLE = set(".\\+*?()[]{}|^$-/\"'#&~ :;,=!<>@%_`")
_PLAIN_ESCAPES = set("tnrf")


class Pattern:
    """A checked pattern and what is known of it.

    Attributes:
        re2: the pattern for RE2.
        groups: how many capturing groups it has.
        certain: groups that take part in every match.
        may_be_empty: whether it can match the empty string.
        anchored_end: whether it has a ``$``.
    """

    def __init__(self, java: str) -> None:
        self.java, self.at = java, 0
        self.groups = 0
        self.certain: set[int] = {0}
        self.anchored_end = False
        self.re2, self.may_be_empty = self._alternatives(certain=True)
        if self.at < len(java):
            raise self._refusal()

    def _refusal(self) -> SqlRefused:
        return SqlRefused(f"The regular expression '{self.java}' is not supported here")

    def _peek(self) -> str:
        return self.java[self.at] if self.at < len(self.java) else ""

    def _take(self) -> str:
        if self.at >= len(self.java):
            raise self._refusal()
        self.at += 1
        return self.java[self.at - 1]

    def _alternatives(self, *, certain: bool) -> tuple[str, bool]:
        several = self._has_alternatives()
        parts, empty = [], False
        while True:
            part, part_empty = self._sequence(certain=certain and not several)
            parts.append(part)
            empty = empty or part_empty
            if self._peek() != "|":
                return "|".join(parts), empty
            self._take()

    def _has_alternatives(self) -> bool:
        depth, at, in_class = 0, self.at, False
        while at < len(self.java):
            char = self.java[at]
            if char == "\\":
                at += 1
            elif in_class:
                in_class = char != "]"
            elif char == "[":
                in_class = True
            elif char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if depth < 0:
                    return False
            elif char == "|" and depth == 0:
                return True
            at += 1
        return False

    def _sequence(self, *, certain: bool) -> tuple[str, bool]:
        out, empty = [], True
        while self._peek() not in ("", "|", ")"):
            before = self.groups
            atom, atom_empty = self._atom(certain=certain)
            quantifier, optional = self._quantifier()
            if quantifier and atom in ("^", "$"):
                raise self._refusal()
            if optional:
                self.certain -= set(range(before + 1, self.groups + 1))
            if quantifier and self.groups > before and quantifier not in ("?",):
                # which repetition a group keeps is alike, but an empty last one may not be
                self.certain -= set(range(before + 1, self.groups + 1))
            out.append(atom + quantifier)
            empty = empty and (atom_empty or optional)
        return "".join(out), empty

    def _quantifier(self) -> tuple[str, bool]:
        char = self._peek()
        if char and char in "*+?":
            self._take()
            found, optional = char, char != "+"
        elif char == "{":
            match = re.compile(r"\{(\d{1,3})(,(\d{1,3})?)?\}").match(self.java, self.at)
            if not match:
                raise self._refusal()
            self.at = match.end()
            found, optional = match[0], int(match[1]) == 0
        else:
            return "", False
        if self._peek() == "?":
            self._take()
            found += "?"
        if self._peek() and self._peek() in "+*?{":
            raise self._refusal()
        return found, optional

    def _atom(self, *, certain: bool) -> tuple[str, bool]:
        char = self._take()
        if char == "(":
            return self._group(certain=certain)
        if char == "[":
            return self._class(), False
        if char == "\\":
            return self._escape(in_class=False), False
        if char in "^$":
            self.anchored_end = self.anchored_end or char == "$"
            return char, True
        if char in "*+?{}])":
            raise self._refusal()
        return char, False

    def _group(self, *, certain: bool) -> tuple[str, bool]:
        opening = "("
        if self._peek() == "?":
            if self.java.startswith("?i)", self.at) and self.at == 1:
                self.at += 3
                rest, empty = self._alternatives(certain=certain)
                if self.at < len(self.java) or not self.java.isascii():
                    raise self._refusal()
                return f"(?i){rest}", empty
            if not self.java.startswith("?:", self.at):
                raise self._refusal()
            self.at += 2
            opening = "(?:"
        else:
            self.groups += 1
            if certain:
                self.certain.add(self.groups)
        body, empty = self._alternatives(certain=certain)
        if self._take() != ")":
            raise self._refusal()
        return f"{opening}{body})", empty

    def _class(self) -> str:
        out = ["["]
        if self._peek() == "^":
            out.append(self._take())
        if self._peek() in ("]", ""):
            raise self._refusal()
        while self._peek() != "]":
            char = self._take()
            if char == "\\":
                out.append(self._escape(in_class=True))
            elif char in "[&" or (char == "-" and out[-1] in ("[", "^")):
                raise self._refusal()
            else:
                out.append(char)
        self._take()
        return "".join(out) + "]"

    def _escape(self, *, in_class: bool) -> str:
        char = self._take()
        if char == "d":
            return "0-9" if in_class else "[0-9]"
        if char == "w":
            return _WORD if in_class else f"[{_WORD}]"
        if char == "s":
            return _SPACE if in_class else f"[{_SPACE}]"
        if char in "DWS" and not in_class:
            return {"D": "[^0-9]", "W": f"[^{_WORD}]", "S": f"[^{_SPACE}]"}[char]
        if char in _PLAIN_ESCAPES:
            return f"\\{char}"
        if char in _ESCAPABLE:
            return char if char in " :;,=!<>@%_`\"'#&~/" else f"\\{char}"
        raise self._refusal()


def _pattern(call: Call) -> tuple[Expr, Pattern]:
    value = call.text(0)
    return value, Pattern(call.literal(1))


@scalar("regexp_like", note="patterns RE2 and Java read alike")
def _like(call: Call) -> Expr:
    call.arity(2)
    value, pattern = _pattern(call)
    return _guarded(value, pattern, f"regexp_matches({value.sql}, {text(pattern.re2)})", BOOLEAN)


def _guarded(value: Expr, pattern: Pattern, sql: str, type: Type) -> Expr:
    """Refuse texts that end with a newline where ``$`` would stand before it in Java."""
    if not pattern.anchored_end:
        return build(sql, type, value)
    refusal = refuse_at_run_time("A final newline where the pattern has $", value)
    guarded = f"CASE WHEN suffix({value.sql}, chr(10)) THEN {refusal} ELSE {sql} END"
    return build(guarded, type, value, refusing=True)


def _group(call: Call, pattern: Pattern) -> int:
    if len(call) < 3:
        return 0
    group = call.bigint(2).value
    if not isinstance(group, int) or not 0 <= group <= pattern.groups:
        raise SqlRefused(f"{call.name} is supported here with a literal group of the pattern")
    if group not in pattern.certain:
        raise SqlRefused(f"{call.name} of a group that may not take part is not supported here")
    return group


@scalar("regexp_extract", note="groups that take part in every match")
def _extract(call: Call) -> Expr:
    call.arity(2, 3)
    value, pattern = _pattern(call)
    group, found = _group(call, pattern), text(pattern.re2)
    sql = (
        f"CASE WHEN regexp_matches({value.sql}, {found}) "
        f"THEN regexp_extract({value.sql}, {found}, {group}) END"
    )
    return _guarded(value, pattern, sql, value.type)


@scalar("regexp_extract_all", note="patterns that match no empty string")
def _extract_all(call: Call) -> Expr:
    call.arity(2, 3)
    value, pattern = _pattern(call)
    group = _group(call, pattern)
    _never_empty(call, pattern)
    sql = f"regexp_extract_all({value.sql}, {text(pattern.re2)}, {group})"
    return _guarded(value, pattern, sql, array(value.type))


@scalar("regexp_count", note="patterns that match no empty string")
def _count(call: Call) -> Expr:
    call.arity(2)
    value, pattern = _pattern(call)
    _never_empty(call, pattern)
    sql = f"len(regexp_extract_all({value.sql}, {text(pattern.re2)}))"
    return _guarded(value, pattern, sql, BIGINT)


@scalar("regexp_split", note="patterns that match no empty string")
def _split(call: Call) -> Expr:
    call.arity(2)
    value, pattern = _pattern(call)
    _never_empty(call, pattern)
    sql = f"string_split_regex({value.sql}, {text(pattern.re2)})"
    return _guarded(value, pattern, sql, array(value.type))


@scalar("regexp_replace", note="patterns that match no empty string")
def _replace(call: Call) -> Expr:
    call.arity(2, 3)
    value, pattern = _pattern(call)
    _never_empty(call, pattern)
    by = _replacement(call.literal(2), pattern) if len(call) == 3 else ""
    sql = f"regexp_replace({value.sql}, {text(pattern.re2)}, {text(by)}, 'g')"
    return _guarded(value, pattern, sql, VARCHAR)


def _never_empty(call: Call, pattern: Pattern) -> None:
    if pattern.may_be_empty or "^" in pattern.java.replace("[^", "").replace("\\^", ""):
        raise SqlRefused(f"{call.name} with a pattern that may match nothing is not supported here")


def _replacement(java: str, pattern: Pattern) -> str:
    out, at = [], 0
    while at < len(java):
        char = java[at]
        if char == "$":
            match = re.compile(r"\$(\d)(?!\d)").match(java, at)
            if not match or int(match[1]) > pattern.groups:
                raise SqlRefused(f"The replacement '{java}' is not supported here")
            out.append(f"\\{match[1]}")
            at = match.end()
            continue
        if char == "\\":
            if at + 1 >= len(java) or java[at + 1] not in "\\$":
                raise SqlRefused(f"The replacement '{java}' is not supported here")
            at += 1
            out.append("\\\\" if java[at] == "\\" else "$")
        else:
            out.append(char)
        at += 1
    return "".join(out)
