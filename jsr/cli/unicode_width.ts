/** Columns of text on a terminal, from Unicode's East Asian Width (UAX #11). */

/** Marks that combine, joiners and other invisible characters; the soft hyphen does show. */
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff]$/u;

/** First and last code points of wide characters, ascending; emoji are asked for below. */
const WIDE_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f], // Hangul initial consonants
  [0x2329, 0x232a], // angle brackets
  [0x2e80, 0x303e], // CJK radicals and punctuation
  [0x3041, 0x3247], // kana, Bopomofo, Hangul compatibility, enclosed
  [0x3250, 0xa4cf], // CJK ideographs, Yi
  [0xa960, 0xa97c], // Hangul extended
  [0xac00, 0xd7a3], // Hangul syllables
  [0xf900, 0xfaff], // CJK compatibility ideographs
  [0xfe10, 0xfe19], // vertical forms
  [0xfe30, 0xfe6f], // CJK compatibility and small forms
  [0xff01, 0xff60], // fullwidth forms
  [0xffe0, 0xffe6], // fullwidth signs
  [0x16fe0, 0x18dff], // Tangut, Khitan
  [0x1aff0, 0x1b2ff], // kana supplements, Nushu
  [0x1f200, 0x1f2ff], // enclosed ideographs
  [0x20000, 0x3fffd], // ideographic planes
];

const EMOJI = /^\p{Emoji_Presentation}$/u;
const FLAG_LETTER = /^\p{Regional_Indicator}$/u;

/** The columns `str` takes on a terminal; escape sequences must be stripped before. */
export function unicodeWidth(str: string): number {
  let width = 0;
  for (const char of str) width += charWidth(char, char.codePointAt(0) ?? 0);
  return width;
}

function charWidth(char: string, codePoint: number): number {
  if (codePoint >= 0x20 && codePoint < 0x7f) return 1;
  if (codePoint === 0xad) return 1;
  if (ZERO_WIDTH.test(char)) return 0;
  if (codePoint < 0x1100) return 1;
  const wide = WIDE_RANGES.some(([first, last]) => codePoint >= first && codePoint <= last);
  return wide || (EMOJI.test(char) && !FLAG_LETTER.test(char)) ? 2 : 1;
}
