# SPDX-License-Identifier: MIT
"""synopsis.py - what a page shows of an entry: its name, its anchors, and how it is called."""
import re
import textwrap
from headers import arguments, bracket_end


def is_public(name):
    return bool(re.match('(async|await|ASYNC)_', name)) and '__' not in name and name[-1] != '_'


def flat(blocks):
    """Return the words of a text, also those in lists and code."""
    return ' '.join(value if kind == 'text' else '\n'.join(value) if kind == 'code' else
                    ' '.join(f'{name} {flat(text)}' for name, text in value)
                    for kind, value in blocks)


def is_behind(function, entry, bodies):
    """Do only macros and inline functions call it? Not if the text describes it."""
    bodies = bodies + [d.body for d in entry.declared if d.kind == 'macro'
                       and d.body != function.name and not d.name.startswith(function.name)]
    if entry.private or not is_public(function.name):
        return True
    if not any(re.search(rf'\b{function.name}\b', body) for body in bodies):
        return False
    own = {re.findall(r'\w+', p.split(')(')[0])[-1] for p in function.params if p != '...'}
    shared = {p for d in entry.declared if d.kind == 'macro' for p in d.params or []}
    described = {name for kind, value in entry.text if kind == 'rows'
                 for names, _ in value for name in names.split(', ')}
    return f'{function.name}(' not in flat(entry.text) and (not own <= described or own <= shared)


def expand(body, macros):
    """Expand the private macros in a macro's body, which shows the call that it makes."""
    for _ in range(16):
        m = next((m for m in re.finditer(r'\b(ASYNC\w*__\w+)\(', body)
                  if m[1] in macros and macros[m[1]].params), None)
        if not m:
            break
        end, macro = bracket_end(body, m.end() - 1), macros[m[1]]
        given = arguments(body[m.end():end - 1])
        named = [p for p in macro.params if p != '...']
        values = dict(zip(named, given), __VA_ARGS__=', '.join(given[len(named):]))
        inner = re.sub(r'(?<!\w)(?:##)?(\w+)', lambda k: values.get(k[1], k[0]), macro.body)
        body = body[:m.start()] + inner + body[end:]
    return body


def parameters(macro, values, function):
    """Give the parameters of a macro the types of those that they become in a call."""
    types = {}
    for i, (value, param) in enumerate(zip(values, function.params)):
        used = [p for p in macro.params if p != '...' and re.search(rf'\b{p}\b', value)]
        m = re.match(r'\(?(&?)\((?:const )?([\w ]+)(\[1?\])?\)\{ ?(.*?) ?\}\)?$', value)
        if value == '__VA_ARGS__':
            types['...'] = ', '.join(function.params[i:])
        elif m and m[1] and '__VA_ARGS__' in value:
            types['...'] = '.option = value, ...'
        elif m and (m[3], m[4]) == ('[]', '__VA_ARGS__'):
            types['...'] = f"{m[2]} {m[2].split('_')[-1]}, ..."
        elif m and m[3] == '[1]' and len(used) == 1:
            types[used[0]] = f'{m[2]} {used[0]}'
        elif len(used) == 1 and not re.search('->|#|__typeof__', value):
            types[used[0]] = re.sub(r'\b\w+(?=\)\(|$)', used[0], param, count=1)
    return [types.get(p, p) for p in macro.params]


def layout(begin, params, end, width):
    """Break a call into lines at its commas."""
    lines = [begin + '(' if params else f'{begin}(){end}']
    for i, param in enumerate(params):
        param += ')' + end if i == len(params) - 1 else ','
        if i and len(lines[-1]) + 1 + len(param) > width:
            lines.append(' ' * min(len(begin) + 1, 8 if len(begin) > width // 2 else 99) + param)
        else:
            lines[-1] += ' ' * bool(i) + param
    return lines


def macro_call(macro, known, text, width):
    """Show how a macro is called: like a function, in front of a block, or as a word."""
    body = expand(macro.body, known.macros)
    block = 'for (' in body or re.search(macro.name + r' ?(?:\([^\n]*\))?\s*\{', text)
    if macro.params is None:
        hidden = re.search(r' |ASYNC\w*__', macro.body)
        return [macro.name + ' { ... }' * bool(block) if hidden else
                f'#define {macro.name} {macro.body}']
    call = re.match(r'(\w+)\(', body)
    function = known.functions.get(call[1]) if call else None
    if function and bracket_end(body, call.end() - 1) == len(body):
        values = arguments(body[call.end():-1])
        return layout(function.ret + macro.name, parameters(macro, values, function), ';', width)
    space = ' ' * (bool(block) and macro.name.islower())
    return layout(macro.name + space, macro.params, ' { ... }' if block else '', width)


def type_code(declared, private, width):
    """Show a type, without members that are private, and no line longer than width."""
    code = declared.code
    if private or 'members are private' in code:
        return re.sub(r'\{.*\}', '{ /* private */ }', code, flags=re.S).split('\n')

    def above(m):  # moves a comment from the end of a long line to the line above
        if '\n' not in m[0] and len(m[0]) <= width or re.search(r'\*\n', m[3]):
            return m[0]
        words = '/* ' + ' '.join(re.sub(r'\n\s*\*', ' ', m[3]).split()) + ' */'
        lines = textwrap.wrap(words, width, initial_indent=m[1], subsequent_indent=m[1] + ' * ')
        return '\n'.join(lines + [m[1] + m[2]] * bool(m[2]))
    if max(map(len, code.split('\n'))) > width:
        code = re.sub(r'^( *)([^\n]*?) */\*(.*?)\*/$', above, code, flags=re.M | re.S)
    return code.split('\n')


def synopsis(entry, known, width, type_width):
    """Return the lines of C that declare an entry."""
    lines, text = [], flat(entry.text)
    for d in entry.shown:
        if d.kind == 'type':
            private = entry.private_members or 'members are private' in text
            lines += type_code(d, private and ' enum ' not in f' {d.code}', type_width)
            continue
        new = layout(d.ret + d.name, d.params, ';', width) if d.kind == 'function' else \
            macro_call(d, known, text, width)
        if d.note:
            new[-1] += f' /* {d.note} */'
        lines += new
    return lines
