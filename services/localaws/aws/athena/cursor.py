"""A cursor over the tokens of a statement, with the words its grammar is written in."""

from __future__ import annotations

from localaws.aws.athena.errors import malformed_query
from localaws.aws.athena.lexer import Token, mismatched, tokenize
from localaws.aws.athena.statements import Name


class Parser:
    """A cursor over the tokens of one statement."""

    def __init__(self, sql: str, *, backslashes: bool = False, limit: int | None = None) -> None:
        self.sql = sql
        self.tokens = tokenize(sql, backslashes=backslashes, limit=limit)
        self.at = 0
        if len(self.tokens) > 1 and self.tokens[-2].value == ";":
            self.tokens[-2:] = [Token("end", "<EOF>", self.tokens[-2].start, len(sql))]

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def word(self, offset: int = 0) -> str:
        """Return the bare word `offset` tokens ahead in upper case, or an empty string."""
        index = self.at + offset
        if index < len(self.tokens) and self.tokens[index].kind == "word":
            return self.tokens[index].value.upper()
        return ""

    def take(self, *words: str) -> bool:
        """Step over these bare words if they are next."""
        if all(self.word(offset) == word for offset, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Step over these bare words, which must be next."""
        for word in words:
            if not self.take(word):
                raise self.wrong(f"'{word}'")

    def symbol(self, symbol: str) -> bool:
        """Step over a symbol if it is next."""
        if self.token.kind == "symbol" and self.token.value == symbol:
            self.at += 1
            return True
        return False

    def expect_symbol(self, symbol: str) -> None:
        """Step over a symbol, which must be next."""
        if not self.symbol(symbol):
            raise self.wrong(f"'{symbol}'")

    def string(self) -> str:
        """Return the string literal that must be next."""
        if self.token.kind != "string":
            raise self.wrong("<string>")
        self.at += 1
        return self.tokens[self.at - 1].value

    def identifier(self) -> str:
        """Return the identifier that must be next, in lower case."""
        if self.token.kind not in ("word", "quoted", "backquoted"):
            raise self.wrong("<identifier>")
        self.at += 1
        return self.tokens[self.at - 1].value.lower()

    def name(self) -> Name:
        """Return the one- to three-part name that must be next."""
        parts = [self.identifier()]
        while self.symbol("."):
            parts.append(self.identifier())
        if len(parts) == 1 and "." in parts[0]:  # `db.table` within one pair of quotes
            parts = parts[0].split(".")
        if len(parts) > 3:
            raise malformed_query(f"Too many parts in table name: {'.'.join(parts)}")
        return Name(*reversed(parts))

    def if_exists(self) -> bool:
        """Step over IF EXISTS."""
        return self.take("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        """Step over IF NOT EXISTS."""
        return self.take("IF", "NOT", "EXISTS")

    def end(self) -> None:
        """Check that the statement is over."""
        if self.token.kind != "end":
            raise self.wrong("<EOF>")

    def rest(self, until: Token | None = None) -> tuple[str, str]:
        """Return the text from here on: as it is, and with its position kept by blanks before."""
        start, stop = self.token.start, (until or self.tokens[-1]).start
        text = self.sql[start:stop].rstrip()
        blank = "".join("\n" if char == "\n" else " " for char in self.sql[:start])
        return text, blank + text

    def wrong(self, expecting: str = "") -> Exception:
        """Return the error of meeting the next token here."""
        found = self.sql[self.token.start : self.token.end] or self.token.value
        if self.token.kind == "end":
            found = "<EOF>"
        return mismatched(self.sql, self.token.start, found, expecting)
