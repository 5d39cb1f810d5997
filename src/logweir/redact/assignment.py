"""Where the value of ``key = value`` is, in the languages and formats that logs quote."""

from __future__ import annotations

from logweir.redact.light import TYPE_CHECKING, Final
from logweir.redact.neighbours import CUT, KEY_CHARACTERS, char_before, words
from logweir.redact.patterns import compiled
from logweir.redact.placeholders import is_placeholder
from logweir.redact.rule import Forms, Range

if TYPE_CHECKING:
    import re

# Between a key and its value, in the languages and formats that logs quote:
#   key: Type =   name="key" value=   <key a="b">
#   key=  key:  key :=  "key":  \"key\":  'key' =>  ['key'] =  <key>  --key v  KEY 'v'
#   "name": "key", "value":   key%3D  a%5Bkey%5D=  %22key%22%3A  &quot;key&quot;:  &lt;key&gt;
#   \x22key\x22:  ["--key", "v"]
_HEX_QUOTE: Final = r"\\{1,7}(?:x22|u0022)"  # nginx's, and JSON's
_SHUT: Final = (
    rf"(?P<shut>(?:{_HEX_QUOTE}|\\{{0,7}}[\"'`]{{0,2}}|&quot;|&#3[49];|%22)(?:\]|%5[Dd])?)"
)
_ALIGNED: Final = r"(?:(?:\\{1,3}t[ \t]{0,2}){1,4}|[ \t]{0,40})"
_SIGNED: Final = (
    r":[ \t]?[A-Za-z_][A-Za-z0-9_.<>]{0,24}[ \t]=[ \t]"
    r"|[ \t]{1,4}value[ \t]{0,2}=[ \t]{0,2}"
    r"|,[ \t]{0,2}\\{0,3}[\"']?value\\{0,3}[\"']?[ \t]{0,2}[:=][ \t]{0,2}"
    r"|[ \t]{1,4}[A-Za-z][A-Za-z:]{0,31}=(?:\\{0,7}[\"']){1,2}[^\\\"'<>\r\n\x1a]{0,120}"
    r"(?:\\{0,7}[\"']){1,2}(?:>|&gt;)"
    rf"|{_ALIGNED}(?:[:.?]=|=(?:>|&gt;)|[:=>]|%3[AaDd](?:%20)?|&gt;){_ALIGNED}"
)
_BLANKS: Final = r"[ \t]{1,4}"
_NEXT: Final = r",[ \t]?"  # of arguments
_QUOTE: Final = (
    rf"(?:{_HEX_QUOTE}|[bBfFLNrRuU@]{{0,2}}\\{{0,7}}(?:\"\"\"|'''|\"\"|[\"'`])"
    "|&quot;|&#3[49];|%22)"
)
ASSIGNED: Final = rf"{_SHUT}(?P<sep>{_SIGNED}|{_BLANKS}|{_NEXT})(?P<quote>\[?{_QUOTE}?)"
_JUDGED: Final = 128  # characters of a bare value that are looked at before it is taken
_ENDS: Final = r"\s\x00\x1a\x1b\"'`,;&<>)\]}\[\\|"  # of a bare value
_PLAIN: Final = f"[^{_ENDS}]"
_IN_QUERY: Final = f"[^{_ENDS}#]"
_ESCAPED: Final = (
    f"(?:[^{_ENDS}%]|%(?:[013-9A-Fa-f][0-9A-Fa-f]|2[145789A-Fa-f]))"  # to & # " or blank
)
_RUNS: Final = {one: f"{one}*+" for one in (_PLAIN, _IN_QUERY, _ESCAPED)}
_JUDGED_RUNS: Final = {one: f"{one}{{0,{_JUDGED}}}+" for one in _RUNS}
_ELEMENT: Final = r"[^<>\r\n\x1a]*"
_ESCAPED_ELEMENT: Final = r"(?:[^&<>\r\n\x1a]|&(?:amp|quot|apos|#39);)*+"
_HEX_QUOTED: Final = r"(?:[^\\\r\n\x1a]|\\++(?!x22|u0022))*+"
_FURTHER_ITEMS: Final = r"(?:\\{0,7}[\"'`],[ \t]?\\{0,7}[\"'`][^\"'`\\\s]*)*"  # of a list
_CDATA: Final = "<![CDATA["
_CDATA_RUN: Final = r"(?:[^\]\r\n\x1a]|\](?!\]>))*+"
_ENTITY: Final = r"(?:[^&<>\r\n\x1a]|&(?:amp|lt|gt|apos);)*+"
QUOTED: Final = {quote: rf"[^{quote}\r\n]*" for quote in "\"'`"}
_DOUBLED: Final = "''[A-Za-z0-9_]"
_BACKSLASHES: Final = 8
_PUNCTUATION: Final = " )}],;:>|"
_NOTHING: Final = r"(?:[ )}\],;:>|]|\\{1,7}[nrt])*+"  # what held it ends here: \"token=\"}\n
_AFTER_NOTHING: Final = frozenset(["", *"\r\n\t\x1b\\&.'`<", *_PUNCTUATION])
NAME_MAX: Final = 32  # characters of a key that are looked at, before the word that tells
# After a key these are no value but the rest of a sentence, a type, or the lack of a value.
_NO_VALUE: Final = words("""
    a accepted add added all an and any are argument arguments as async at authentication await
    bad be been bool boolean but by bytes can cannot changed check command correct description
    do does doesn don empty eof error expected expired expires fail failed failure false fix
    fixed for from func function given has hidden if in incorrect int integer invalid is isn it
    lambda length may mismatch missing must n/a new nil no none not now null of ok old on option
    options or password path provided required reset respectively retype section set setting
    settings should sorry str string that the this to too true type typeof undefined unset
    update updated user validation varchar via was when will with wrong yes yield
""")
_PARAMETER: Final = r"\?|\$[0-9]{1,2}|[!@][a-z_]+|!![a-z]+"  # of SQL and, with !, YAML's tags
_PAIR: Final = r"(?:[a-z][a-zA-Z]+(?:[_.-][a-z]+)*|[A-Z_]{3,})=[^=\s\"'\\,;)}\]<>|]|[a-z_]+=[\"']"
_CALL: Final = r"[A-Za-z_][A-Za-z0-9_.]*[(\[]"
_WRAPPED: Final = r"[A-Z][A-Za-z]*\("  # Some("…")
_WORDS: Final = r"(?:_{0,2}\$?(?:[a-z_]+[0-9]{0,2})?(?:[A-Z]{1,4}[a-z_]+[0-9]{0,2})*|[A-Z_]+)"
DOTTED: Final = rf"{_WORDS}(?:\.{_WORDS})+(?:[@/:].*)?"  # r.Header, and no Pt1RWuq.Y1
_CODE_ROOTS: Final = (
    *("process.env", "os.environ", "config.", "settings.", "self.", "this.", "req.", "request."),
    *("ctx.", "args.", "env.", "options.", "params."),
)
_NO_FLAG: Final = r"--(?:ask|change|delete|export|gen|import|list|no|show)-"  # no value follows
_ARRAY: Final = "[A-Z]@[0-9a-f]+"  # Java's [B@81c5b39


def with_a_value(pattern: str) -> Forms:
    """Of a key and ASSIGNED, where the key is not only spoken of: see `is_mentioned`."""
    key = pattern.removesuffix(ASSIGNED)
    return (
        (rf"{key}{_SHUT}(?:{_SIGNED})",),
        (rf"{key}{_SHUT}{_BLANKS}(?:\[|{_QUOTE})",),
        (rf"--(?:\w|\W){{0,{NAME_MAX}}}", key),
    )


def is_mentioned(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether blanks alone follow the key, and it is no option: most lines only speak of it."""
    return (
        match["sep"].isspace()
        and not match["quote"]
        and "--" not in text[max(0, start - NAME_MAX) : start]
    )


def value_of(text: str, match: re.Match[str]) -> Range | None:
    """Where the value is, the first characters of it at least: see `whole`."""
    start, quote, separator = match.end(), match["quote"], match["sep"]
    sign = separator.strip(" \t")
    if not sign:
        if not is_option(text, match) or (not quote and text.startswith("-", start)):
            return None  # what follows is the next option
    elif sign == "," and not _is_argument(text, match):
        return None
    if separator[0] == ":" and char_before(text, match.start()) == "/":
        return None  # /etc/passwd:3
    if separator == ":" and text.endswith("//", 0, name_begins(text, match.start())):
        return None  # https://x-access-token:abc@github.com is left to the rule for URLs
    if sign.endswith((">", "&gt;")) and "=>" not in sign and "=&gt;" not in sign:
        return _of_element(text, start - len(quote), sign)
    if quote in {"", "["}:
        return _bare(text, match)
    if _closes_a_string(text, match):
        return None
    value = _quoted(text, start, quote)
    if value and quote[0] == "[":
        if " " in text[slice(*value)]:
            return None  # "password": ["is too short"]
        return start, _run_ends(_FURTHER_ITEMS, text, value[1])
    return value


def whole(text: str, match: re.Match[str], value: Range) -> Range:
    """The value to its end. What is left alone is not looked at so far, for each key in it."""
    start, end = value
    if end - start < _JUDGED:
        return value
    return start, _run_ends(_RUNS[_class_of(text, match)], text, end)


def _run_ends(pattern: str, text: str, start: int) -> int:
    """Where a run that may be empty ends."""
    return compiled(pattern).match(text, start).end()  # type: ignore[union-attr]


def _class_of(text: str, match: re.Match[str]) -> str:
    """The characters of a bare value."""
    if "%" in match["sep"]:
        return _ESCAPED
    start = match.start()
    near = text[start - NAME_MAX - 1 if start > NAME_MAX else 0 : start]
    if "?" not in near and "&" not in near:
        return _PLAIN
    return _IN_QUERY if near.rstrip(KEY_CHARACTERS)[-1:] in {"?", "&"} else _PLAIN


def _quoted(text: str, start: int, quote: str) -> Range | None:
    if quote == '""' and text[start : start + 1] in _AFTER_NOTHING:
        return None  # an empty one, and not CSV's way to put a quote into quotes
    if quote[-1] == ";":
        end = _run_ends(_ENTITY, text, start)
    elif quote[0] == "\\" and quote[-1] == "2":
        end = _run_ends(_HEX_QUOTED, text, start)
    elif quote[-1] == "2":
        end = _run_ends(_RUNS[_ESCAPED], text, start)
    else:
        end = _closed(text, start, quote[-1], quote.count("\\"))
    given = text[start:end]
    if compiled(_NOTHING).fullmatch(given) or is_placeholder(given):
        return None
    return start, end


def _of_element(text: str, start: int, sign: str) -> Range | None:
    if text.startswith(_CDATA, start):
        start += len(_CDATA)
        end = _run_ends(_CDATA_RUN, text, start)
        return None if is_placeholder(text[start:end]) or start == end else (start, end)
    end = _run_ends(_ELEMENT if sign[-1] == ">" else _ESCAPED_ELEMENT, text, start)
    given = text[start:end]
    closed = text.startswith(("</", "<\\/") if sign[-1] == ">" else "&lt;/", end)
    if not closed or not given.strip(_PUNCTUATION) or is_placeholder(given):
        return None
    return start, end


def _bare(text: str, match: re.Match[str]) -> Range | None:
    start, separator = match.end(), match["sep"]
    end = _run_ends(_JUDGED_RUNS[_class_of(text, match)], text, start)
    given, after = text[start:end], text[end : end + 1]
    if after == CUT:
        return None  # what went behind it may have told that it is no value
    if after in QUOTED and compiled(_WRAPPED).fullmatch(given):
        return _quoted(text, end + 1, after)
    if _is_no_value(given, separator, after):
        return None
    if match["quote"] and (len(given) < 6 or compiled(_ARRAY).fullmatch(given)):
        return None  # passwords: [1]
    return start, end


def _is_no_value(given: str, separator: str, after: str) -> bool:
    if not given or given[0] in "=:{(" or is_placeholder(given):
        return True
    if given.rstrip(".:!?").lower() in _NO_VALUE:
        return True
    if given[0] in "?$!@" and compiled(_PARAMETER).fullmatch(given):
        return True
    if given[-1] == "(":
        return True
    if after == ">" and given[-1] == "-" and given[:-1].isidentifier():
        return True  # conn->password = self->password
    if given[-1] == ":" and given[:-1].replace("_", "").isalpha():
        return True  # token: invalid_grant: Bad Request
    code = "." in given and given.startswith(_CODE_ROOTS)
    if separator[-1] not in " \tt":  # a tab may be escaped
        return code and bool(compiled(DOTTED).fullmatch(given))  # password=self.password
    empty = separator[0] == ":" or separator[0] == "="
    if empty and compiled(_PAIR).match(given + after):
        return True  # password= user=al
    if code:
        return True  # password = config.password[0]
    return bool(compiled(_CALL).match(given + after)) and (after == "[" or separator == " = ")


def is_option(text: str, match: re.Match[str]) -> bool:
    """Without a sign between: ``--password v``, SQL's ``PASSWORD 'v'``, ``set a.password "v"``."""
    begins = name_begins(text, match.start())
    if text.startswith("--", begins) and not match["shut"]:
        return not compiled(_NO_FLAG).match(text, begins)
    if not match["quote"] or match["shut"]:
        return False
    sql = match["quote"] == "'" and match[0].lower().startswith("password")
    return sql or "." in text[begins : match.start()]


def _is_argument(text: str, match: re.Match[str]) -> bool:
    """Whether both are arguments of a program: ["--password", "v"]."""
    listed = bool(match["shut"]) and match["quote"] == match["shut"]
    return listed and text.startswith("--", name_begins(text, match.start()))


def name_begins(text: str, start: int) -> int:
    """Where the key begins, of which the word at `start` is the last."""
    front = text[max(0, start - NAME_MAX) : start]
    return start - len(front) + len(front.rstrip(KEY_CHARACTERS))


def _closes_a_string(text: str, match: re.Match[str]) -> bool:
    """Whether the quote after the key ends what holds it: "password=", or msg="no token=" id=7."""
    quote = match["quote"]
    begins = name_begins(text, match.start())
    if not match["shut"] and text.endswith(quote, 0, begins):
        return True
    return text.startswith(" ", match.end()) and bool(
        compiled(r" [A-Za-z_][A-Za-z0-9_.-]*=").match(text, match.end())
    )


def _closed(text: str, start: int, quote: str, depth: int) -> int:
    r"""Where the value ends: before its quote, which has as many backslashes as the opening one."""
    end = start
    while True:
        end = _run_ends(QUOTED[quote], text, end)
        if text[end : end + 1] != quote:
            return end  # cut off: the rest of the line goes
        near = text[max(start, end - _BACKSLASHES) : end]
        slashes = len(near) - len(near.rstrip("\\"))
        if slashes == depth or (depth == 0 and slashes % 2 == 0) or slashes < depth:
            if depth or quote != "'" or not compiled(_DOUBLED).match(text, end):
                return end - slashes if depth else end
            end += 1  # SQL's 'o''brien'
        end += 1
