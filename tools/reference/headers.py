# SPDX-License-Identifier: MIT
"""headers.py - read the public headers: entries, each a comment and what it declares.

A header begins with a comment about the whole. An entry ends at an empty line. The text of a
comment has paragraphs, rows ("name   text"), and indented parts, which are lists of such rows, or
code. Everything behind a comment `--- private: ... ---` is not for users."""
import re
import textwrap
from types import SimpleNamespace as Record

NAME = r'[-\w.*]+(?:\([^)]*\))?'
ROW = re.compile(rf'({NAME}(?:,? {NAME})*,?)  +(\S.*)')
LISTED = re.compile(rf'{ROW.pattern}|(-E\w+(?:, -E\w+)*|-) (\S.*)|(-E\w+)()')  # in a list
COMMENT = re.compile(r'[ \t]*/\*.*?\*/', re.S)
WORD = re.compile(r'(`[^`]+`|-E[A-Z0-9]{2,}\b|\bNULL\b|\b\w+\.h\b|(?<![\w.])\.[a-z]\w+|[*<>&\\|]'
                  r'|\b(?:(?:struct|enum) )?\w*_\w*(?:\([^()]*\)|=[\w:+]+)?|\b[a-z][\w.:]*\(\))')
DECLARATION = re.compile(r'^#define (?:[^\n]*\\\n)*[^\n]*|^ASYNC__\w+\([^\n]*\)$|'
                         r'^\w[^;{}]*(?:\{ *(?:/\*[^\n]*)?\n.*?^\}[^\n]*|[;{][^\n]*)$', re.M | re.S)


def split_sentence(text):
    """Return the first sentence of a text, without its full stop, and the others."""
    return re.match(r'(.*?)(?:[.:]$|[.] (?=[A-Z])|$)(.*)', text).groups()


def only_c(text):
    """Leave out what is for C++, and every directive that chooses between two texts."""
    kept, shown = [], [(True, False)]
    for line in re.findall(r'(?:.*\\\n)*.*\n', text):
        cxx, directive = '__cplusplus' in line, re.match(r'#\s*(if|else|elif|endif)', line)
        if not directive:
            kept += [line] if all(visible for visible, _ in shown) else []
        elif directive[1] == 'if':
            shown.append((not cxx or 'ifndef' in line or '!' in line, cxx))
        elif directive[1] == 'endif':
            shown.pop()
        elif shown[-1][1]:
            shown[-1] = (not shown[-1][0], True)
    return ''.join(kept)


def bracket_end(text, i):
    """Return the index behind the bracket that closes the one at text[i]; strings count as one."""
    depth = 0
    for m in re.compile(r'"[^"\n]*"|[][(){}]').finditer(text, i):
        depth += (m[0] in '([{') - (m[0] in ')]}')
        if not depth:
            return m.end()
    return len(text)


def arguments(text):
    """Split a list at its commas, except for those in brackets and strings."""
    found, i = [''], 0
    while i < len(text):
        end = bracket_end(text, i) if text[i] in '([{"' else i + 1
        if text[i] == ',':
            found.append('')
        else:
            found[-1] += text[i:end]
        i = end
    return [argument.strip() for argument in found] if text.strip() else []


def declaration(text):
    """Describe a macro, a type or a function. None if text declares nothing for users of C."""
    code = ' '.join(COMMENT.sub('', text.replace('\\\n', ' ')).split())
    note = ''.join(re.findall(r'/\* *(.*?) *\*/$', text.rsplit(';')[-1]))
    if m := re.match(r'#define (\w+)(\(.*?\))?(.*)', code):
        return Record(kind='macro', name=m[1], params=arguments(m[2][1:-1]) if m[2] else None,
                      body=m[3].strip(), note=note)
    if m := re.match(r'ASYNC__MAKE\((\w+), "[^"]*", \w+,?(.*)\)', code):  # makes a coroutine object
        params = [' '.join(param) for param in re.findall(r'\(([^)]*)\)(\w+)', m[2])]
        return Record(kind='function', name=m[1], ret='async_co ', params=params, note=note,
                      body='', exported=False)
    tag = re.match(r'(?:typedef )?((?:struct|enum|union) (\w+)) ?[{;\w]', code)
    constants = re.findall(r'[{,] ?(ASYNC_\w+)', code) if re.match('(typedef )?enum ', code) else []
    if code.startswith('typedef') or constants or tag and code[tag.end(2):].strip()[:1] in '{;':
        alias = re.match(r'typedef .*?(\w+)(?:\)\(.*\))?;$', code)
        title = alias[1] if alias else tag[1] if tag else constants[0]
        return Record(kind='type', name=tag[2] if tag and not alias else title, title=title,
                      constants=constants, code=text)
    code, _, body = code.partition(' {')
    attributes = r' ?\b(?:ASYNC_[A-Z]+\b(?:\([^)]*\))?|__attribute__\(\(.*?\)\)+)'
    code = re.sub(attributes, '', code).strip()
    m = re.fullmatch(r'(static inline )?([^(]*?)(\w+)\((.*)\);?', code)
    return m and Record(kind='function', name=m[3], ret=m[2], params=arguments(m[4]), note=note,
                        body=body, exported=not m[1])


def rows(lines, pattern):
    """Parse lines that begin with a name, and lines that continue these."""
    found, column = [], 0
    for line in lines:
        m = line[0] != ' ' and pattern.fullmatch(line)
        if m:
            name, text = [group for group in m.groups() if group is not None]
            column = line.index(text, len(name)) if text else column
        if m and found and found[-1][0][-1] == ',':  # names that go on
            found[-1] = [f'{found[-1][0]} {name}', found[-1][1] + [text]]
        elif m:
            found.append([name, [text] * bool(text)])
        elif line[0] != ' ':  # another name for the text above
            found[-1][0] += ', ' + line
        else:
            found[-1][1].append(line[column:] if not line[:column].strip() else line.strip())
    return [(name, blocks(text)) for name, text in found]


def blocks(lines):
    """Parse a comment into ('text', words), ('rows', [(name, blocks), ...]) and ('code', lines)."""
    def kind(line):
        return line and ('in' if line[0] == ' ' else 'row' if ROW.fullmatch(line) else 'text')

    found, i = [], 0
    while i < len(lines):
        begin, first, pattern = i, kind(lines[i]), ROW
        i += 1
        while first and i < len(lines) and kind(lines[i]) in (first, first == 'row' and 'in'):
            i += 1
        chunk = textwrap.dedent('\n'.join(lines[begin:i])).split('\n')
        if first == 'in':
            names = [line for line in chunk if line[0] != ' ']
            listed = [bool(LISTED.fullmatch(line)) for line in names]
            others = [line for line, is_row in zip(names, listed) if not is_row]
            is_list = listed[0] and all(re.fullmatch(r'\w+', line) for line in others)
            first, pattern = ('row', LISTED) if is_list else ('code', None)
        if first == 'row' and found and found[-1][0] == 'rows':
            found[-1][1].extend(rows(chunk, pattern))
        elif first == 'row':
            found.append(('rows', rows(chunk, pattern)))
        elif first == 'code' and found and found[-1][0] == 'code':
            found[-1][1].extend(['', *chunk])
        elif first:
            found.append((first, ' '.join(chunk) if first == 'text' else chunk))
    return found


def read(path):
    """Return a header's text and entries. The text is None if the header is not for users."""
    header = Record(path=path, name=path.name, stem=path.stem, entries=[], text=None)
    section, private = '', False
    for part in re.split(r'\n\n+(?=[^\s}])|\n(?=/\*)', only_c(path.read_text())):
        comment = re.match(r'/\* (.*?) *\*/', part, re.S)
        lines = comment[1].split('\n') if comment else []
        lines = [re.sub(r'^ \* ?', '', line).rstrip() for line in lines]
        declared = DECLARATION.findall(part[comment.end() if comment else 0:])
        declared = [d for d in map(declaration, declared) if d]
        if m := re.match(r'--- (.*) ---', ' '.join(lines)):
            section, private = m[1], bool(re.match('private|behind the macros', m[1]))
            lines = []
        elif lines and header.text is None and not lines[0].startswith('SPDX'):
            header.text, lines = blocks(lines), []
        if declared or lines and header.text:
            header.entries.append(Record(text=blocks(lines), declared=declared, section=section,
                                         private=private))
    return header
