# SPDX-License-Identifier: PostgreSQL
#
# Prints extension/src/kernel/text_ranges.inc from the Unicode data of the Python that runs it. That has
# to be the version by which PostgreSQL normalises: 14.0 for PostgreSQL 15 and Python 3.11.
import unicodedata

# Shown as nothing, or as a blank, although they are letters, marks or symbols. U+FE0F is not among
# them: it makes an emoji of the character before it.
SHOWN_AS_NOTHING = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800,
                    0x3164, 0xFFA0, *range(0xFE00, 0xFE0F), *range(0xE0100, 0xE01F0)}


def refused(code):
    category = unicodedata.category(chr(code))
    return category in ('Cc', 'Cf', 'Cs', 'Co', 'Cn', 'Zl', 'Zp') or code in SHOWN_AS_NOTHING


def mark(code):
    return unicodedata.category(chr(code)) in ('Mn', 'Me') and not refused(code)


def ranges(belongs):
    found = []
    for code in range(0x110000):
        if not belongs(code):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def show(comment, name, found):
    print('/* %s */\nstatic const CodeRange %s[] = {' % (comment, name))
    line = '\t'
    for first, last in found:
        item = '{0x%04X, 0x%04X},' % (first, last)
        if len(line.expandtabs(4)) + len(item) > 99:
            print(line.rstrip())
            line = '\t'
        line += item + ' '
    print(line.rstrip() + '\n};')


print('''/* SPDX-License-Identifier: PostgreSQL
 *
 * Ranges of code points, from the Unicode Character Database %s: the version by which PostgreSQL 15
 * normalises. Made by test/lib/text_ranges.py.
 */
''' % unicodedata.unidata_version)
show('Cc, Cf, Cs, Co, Cn, Zl, Zp and what is shown as nothing', 'refused', ranges(refused))
print()
show('Mn and Me: drawn over the character before them', 'marks', ranges(mark))
