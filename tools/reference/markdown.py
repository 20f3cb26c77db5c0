# SPDX-License-Identifier: MIT
"""markdown.py - the reference as Markdown pages."""
import re
from headers import WORD
from synopsis import layout, synopsis

WIDTH = 88
INTRODUCTION = '''# Reference

Every function, macro and type of the library, by header. `./run reference` makes these pages from
the comments of the headers. The same text is installed as man pages: `man await_gather`,
`man asyncio`.

The rules that hold for all functions stand in [base.h](base.md). Where a call ends with
`.option = value, ...`, options may follow: members of the struct that the page names, or none.
'''


def full_name(name, first, where):
    """Return the full name of an entry of a list such as await_http_get, _head, _post."""
    parts = first.split('_')
    names = ['_'.join(parts[:n]) + name for n in range(len(parts), 0, -1)]
    return next((n for n in names if n in where), name) if name[0] == '_' else name


ESCAPES = {'<': '&lt;', '>': '&gt;', '&': '&amp;', '*': '\\*', '|': '\\|', '\\': '\\\\'}


class Page:
    def __init__(self, where, stem):
        self.where, self.stem, self.anchors = where, stem, []

    def word(self, text, name=None):
        """Set a word of C as code, with a link to where it is described, and escape the others."""
        if text[0] == '`':
            return text
        if text in ESCAPES:
            return ESCAPES[text]
        name = name or re.sub(r'\(.*', '', text)
        stem, anchor = self.where.get(name) or self.where.get(name.split()[-1]) or ('', '')
        if not stem or stem == self.stem and (anchor in self.anchors or not anchor):
            return f'`{text}`'
        page = '' if stem == self.stem else stem + '.md'
        return f"[`{text}`]({page}{'#' * bool(anchor)}{anchor})"

    def text(self, words):
        parts = enumerate(WORD.split(words))
        return ''.join(self.word(part) if i % 2 else part for i, part in parts)

    def term(self, names):
        if re.match('[A-Z][a-z]', names):
            return f'**{names}**'
        first, *others = names.split(', ')
        full = [self.word(name, full_name(name, first, self.where)) for name in others]
        return ', '.join([self.word(first), *full])

    def cell(self, blocks):
        """Return blocks as a cell of a table, which is one line."""
        lines = []
        for kind, value in blocks:
            if kind == 'text':
                lines.append(self.text(value))
            elif kind == 'code':
                lines += [f'`{line}`' for line in value]
            else:
                lines += [f'• {self.cell(inner)}' if name == '-' else
                          f'{self.term(name)} – {self.cell(inner)}' for name, inner in value]
        return '<br>'.join(lines)

    def blocks(self, blocks):
        for kind, value in blocks:
            if kind == 'text':
                yield self.text(value)
            elif kind == 'code':
                yield from ('```c', *value, '```')
            elif all(name == '-' for name, _ in value):
                yield from (f'- {self.cell(inner)}' for _, inner in value)
            else:
                yield from ('| | |', '| --- | --- |')
                yield from (f'| {self.term(name)} | {self.cell(inner)} |' for name, inner in value)
            yield ''


def anchors(names):
    return ''.join(f'<a id="{name}"></a>' for name in names)


def page_lines(header, known):
    page, section = Page(known.where, header.stem), None
    purpose = header.purpose[0].upper() + header.purpose[1:]
    yield from (f'# {header.name}', '', page.text(purpose) + '.', '')
    yield from ('```c', f'#include <{header.include}>', '```', '')
    yield from page.blocks(header.text)
    for entry in header.shown:
        if entry.section != section:
            section = entry.section
            title = section or 'Functions and types'
            yield from (f'## {title[0].upper()}{title[1:]}', '')
        page.anchors = entry.anchors
        if entry.shown:
            yield from (anchors(entry.anchors), '', f'### {entry.title}', '')
            yield from ('```c', *synopsis(entry, known, WIDTH, 100), '```', '')
        yield from page.blocks(entry.text)
    if header.behind:
        yield from ('## Behind the macros', '', anchors(f.name for f in header.behind), '')
        yield from ('The macros call these functions; a program calls the macros.', '', '```c')
        for f in header.behind:
            yield from layout(f.ret + f.name, f.params, ';', WIDTH)
        yield from ('```', '')


def index_lines(headers, known):
    yield INTRODUCTION
    yield from ('| header | purpose |', '| --- | --- |')
    for header in headers:
        purpose = Page(known.where, '').text(header.purpose)
        yield f'| [{header.name}]({header.stem}.md) | {purpose} |'
    for header in headers:
        page = Page(known.where, '')
        yield from ('', f'## {header.name}', '')
        for name, line in header.summaries.items():
            yield f'- {page.word(name)}' + (line and f' – {page.text(line)}').rstrip('.')


def write(folder, headers, known):
    for header in headers:
        text = '\n'.join(page_lines(header, known))
        (folder / f'{header.stem}.md').write_text(text.rstrip() + '\n')
    (folder / 'README.md').write_text('\n'.join(index_lines(headers, known)) + '\n')
