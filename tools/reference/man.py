# SPDX-License-Identifier: MIT
"""man.py - the reference as pages of section 3, and an overview in section 7."""
import os
import re
import textwrap
import time
from headers import WORD
from synopsis import flat, layout, synopsis

WIDTH = 72
ABOUT = ('The library runs thousands of tasks on one thread, as asyncio does in Python. Each '
         'header has a page, and each function and macro leads to that page: `man await_gather`. '
         'The rules that hold for all functions stand in base.h. Where a call ends with '
         '`.option = value, ...`, options may follow: members of the struct that the page names, '
         'or none.')
BEHIND = 'The macros call these functions; a program calls the macros.'


def escape(text):
    return re.sub(r"[\\'`^~-]", lambda m: {'\\': r'\e', "'": r'\(aq', '`': r'\(ga', '^': r'\(ha',
                                           '~': r'\(ti', '-': r'\-'}[m[0]], text)


def title(header):
    return f'asyncio_{header.stem}'


def guard(line):
    """Keep a line of text from being read as a request."""
    return r'\&' + line if line[:1] in ('.', "'") else line


class Page:
    def __init__(self, known):
        self.where = known.where

    def word(self, text):
        if text in '*<>&|\\':
            return escape(text)
        if text.endswith('.h') and text in self.where:
            return rf'\fBasyncio_{text[:-2]}\fP(3)'
        name, bracket, rest = text.strip('`').partition('(')
        return rf'\fB{escape(name)}\fP{escape(bracket + rest)}'

    def text(self, words):
        parts = (self.word(part) if i % 2 else part.replace('\\', r'\e')
                 for i, part in enumerate(WORD.split(words)))
        lines = textwrap.wrap(''.join(parts), 78, break_long_words=False, break_on_hyphens=False)
        yield from map(guard, lines)

    def rows(self, rows):
        for name, blocks in rows:
            if name == '-':
                yield r'.IP \(bu 2'
            else:
                label = re.match('[A-Z][a-z]', name)  # Returns, Suspends
                yield from ('.TP', name if label else rf'\fB{escape(name)}\fP')
            for i, block in enumerate(blocks):
                if i == 0 and block[0] == 'text':
                    yield from self.text(block[1])
                else:
                    yield from ('.RS', *self.blocks([block]), '.RE')

    def blocks(self, blocks):
        for kind, value in blocks:
            if kind == 'text':
                yield from ('.PP', *self.text(value))
            elif kind == 'code':
                yield from self.code(value)
            else:
                yield from self.rows(value)

    def code(self, lines, bold=False):
        font = (r'\fB', r'\fP') if bold else ('', '')
        yield from ('.PP', '.nf') if bold else ('.PP', '.in +4n', '.EX')
        yield from (line and font[0] + guard(escape(line)) + font[1] for line in lines)
        yield from ('.fi',) if bold else ('.EE', '.in')


def split_errors(blocks):
    """Take the list of common errors, and the sentence that announces it, out of a text."""
    text, errors = [], []
    for kind, value in blocks:
        if kind == 'rows' and all(name.startswith('-E') for name, _ in value):
            said = text.pop()[1] if text and text[-1][0] == 'text' else ''
            announced = re.search(r'(?:^|(?<=\. ))\w* ?[Ee]rrors\b.*|$', said)
            text += [('text', said[:announced.start()])] if announced.start() else []
            errors += [('text', announced[0] or 'Errors:'), (kind, value)]
        else:
            text.append((kind, value))
    return text, errors


def split_entry(blocks):
    """Split a text into description, what is returned, and examples that it does not announce."""
    text, returned, examples = [], [], []
    for kind, value in blocks:
        if kind == 'code' and not (text and text[-1][0] == 'text' and text[-1][1].endswith(':')):
            examples.append((kind, value))
        elif kind == 'rows':
            returned += [row for row in value if row[0] in ('Returns', 'Value')]
            kept = [row for row in value if row[0] not in ('Returns', 'Value')]
            text += [('rows', kept)] if kept else []
        else:
            text.append((kind, value))
    return text, returned, examples


def page_lines(header, known, names):
    page = Page(known)
    about, errors = split_errors(header.text)
    about, _, shown = split_entry(about)
    examples = [(None, block) for block in shown]
    description, returned = [*page.blocks(about)], []
    calls = []
    for entry in header.shown:
        code = synopsis(entry, known, WIDTH, WIDTH)
        types = [d for d in entry.shown if d.kind == 'type']
        text, values, shown = split_entry(entry.text)
        description += [f'.SS {entry.title}'] if entry.shown else []
        if types:
            description += page.code(code)
        else:
            calls += code
        description += page.blocks(text)
        for _, value in values:
            returned += ['.TP', rf'\fB{escape(entry.title)}\fP', *page.text(flat(value))]
        examples += [(entry.title, block) for block in shown]
    yield from ('.SH NAME', *page.text(', '.join([title(header), *names])))
    yield rf'\- {header.purpose}'
    yield from ('.SH SYNOPSIS', *page.code([f'#include <{header.include}>', '', *calls], bold=True))
    yield from ('.SH DESCRIPTION', *description)
    if header.behind:
        yield from ('.SS Behind the macros', BEHIND)
        yield from page.code([line for f in header.behind
                              for line in layout(f.ret + f.name, f.params, ';', WIDTH)])
    if returned:
        yield from ('.SH RETURN VALUE', *returned)
    if errors:
        yield from ('.SH ERRORS', *page.blocks(errors))
    if examples:
        yield '.SH EXAMPLES'
        last = None
        for name, block in examples:
            yield from ('.PP', rf'\fB{escape(name)}\fP:') if name not in (None, last) else ()
            yield from page.blocks([block])
            last = name


def finish(name, section, footer, lines):
    """Return a page, without requests for a paragraph where one begins anyway."""
    kept = [f'.TH {name.upper()} {section} {footer}', '.ad l', '.nh']
    for line in lines:
        if line != '.PP' or not kept[-1].startswith(('.SH', '.SS', '.PP', '.RS')):
            kept.append(line)
    return '\n'.join(kept) + '\n'


def write(folder, headers, known):
    newest = max(os.path.getmtime(h.path) for h in headers)
    date = time.strftime('%Y-%m-%d', time.gmtime(int(os.environ.get('SOURCE_DATE_EPOCH', newest))))
    version = known.macros['ASYNC_VERSION'].body.strip('"')
    footer = f'{date} "libasyncio {version}" "asyncio for C"'
    for name in ('man3', 'man7'):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).iterdir():
            old.unlink()
    for header in headers:
        names = [d.name for entry in header.shown for d in entry.shown if d.kind != 'type']
        lines = [*page_lines(header, known, names)]
        used = set(re.findall(r'\\fBasyncio_\w+\\fP\(3\)', '\n'.join(lines)))
        used = sorted(used - {rf'\fB{title(header)}\fP(3)'})
        also = ', '.join([*used, r'\fBasyncio\fP(7)'])
        lines += ['.SH SEE ALSO', *textwrap.wrap(also, 78)]
        page = finish(title(header), 3, footer, lines)
        (folder / 'man3' / f'{title(header)}.3').write_text(page)
        for name in {*names, *(f.name for f in header.behind)}:
            (folder / 'man3' / f'{name}.3').write_text(f'.so man3/{title(header)}.3\n')
    page = Page(known)
    usage = ['#include <asyncio.h>', '', 'cc file.c $(pkg-config --cflags --libs asyncio)']
    lines = ['.SH NAME', r'asyncio \- tasks, timeouts, locks and queues on one thread',
             '.SH SYNOPSIS', *page.code(usage, bold=True), '.SH DESCRIPTION', *page.text(ABOUT)]
    for header in headers:
        lines += ['.TP', rf'\fB{title(header)}\fP(3)', *page.text(header.purpose)]
    (folder / 'man7' / 'asyncio.7').write_text(finish('asyncio', 7, footer, lines))
