package io.framecast.tools.render;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A bitmap font, because a machine that trains models may have no font installed, and Java then cannot draw text.
 * Capitals are 7 pixels high, descenders 2; letters have different widths, digits the same. Characters that are not in
 * the font are drawn as a box.
 */
final class PixelFont {

    /** From the top of a capital to the end of a descender, in font pixels. */
    static final int HEIGHT = 9;

    private static final int CELL = 5;
    private static final int SPACE = 3;

    /**
     * Blocks of glyphs side by side: a line of characters, then the rows of their pixels from the top ({@code #} is
     * set).
     */
    private static final String[] GLYPHS = {
        """
        A     B     C     D     E     F     G     H     I     J     K     L     M
        .###. ####. .###. ####. ##### ##### .###. #...# .###. ..### #...# #.... #...#
        #...# #...# #...# #...# #.... #.... #...# #...# ..#.. ...#. #..#. #.... ##.##
        #...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.#
        ##### ####. #.... #...# ####. ####. #.### ##### ..#.. ...#. ##... #.... #.#.#
        #...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...#
        #...# #...# #...# #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...#
        #...# ####. .###. ####. ##### #.... .###. #...# .###. .##.. #...# ##### #...#
        """, """
        N     O     P     Q     R     S     T     U     V     W     X     Y     Z
        #...# .###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# #####
        ##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....#
        #.#.# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#.
        #..## #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#..
        #...# #...# #.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#...
        #...# #...# #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #....
        #...# .###. #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. #####
        """, """
        a     b     c     d     e     f     g     h     i     j     k     l     m
        ..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ...#. #.... .##.. .....
        ..... #.... ..... ....# ..... .#... ..... #.... ..... ..... #.... ..#.. .....
        .###. #.##. .###. .##.# .###. .#... .#### #.##. .##.. ..##. #..#. ..#.. ##.#.
        ....# ##..# #...# #..## #...# ###.. #...# ##..# ..#.. ...#. #.#.. ..#.. #.#.#
        .#### #...# #.... #...# ##### .#... #...# #...# ..#.. ...#. ##... ..#.. #.#.#
        #...# #...# #...# #...# #.... .#... #...# #...# ..#.. ...#. #.#.. ..#.. #.#.#
        .#### ####. .###. .#### .###. .#... .#### #...# .###. ...#. #..#. .###. #.#.#
        ..... ..... ..... ..... ..... ..... ....# ..... ..... #..#. ..... ..... .....
        ..... ..... ..... ..... ..... ..... .###. ..... ..... .##.. ..... ..... .....
        """, """
        n     o     p     q     r     s     t     u     v     w     x     y     z
        ..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... .....
        ..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... .....
        #.##. .###. ####. .#### #.##. .#### ###.. #...# #...# #...# #...# #...# #####
        ##..# #...# #...# #...# ##..# #.... .#... #...# #...# #...# .#.#. #...# ...#.
        #...# #...# #...# #...# #.... .###. .#... #...# #...# #.#.# ..#.. #...# ..#..
        #...# #...# #...# #...# #.... ....# .#... #..## .#.#. #.#.# .#.#. #...# .#...
        #...# .###. ####. .#### #.... ####. ..##. .##.# ..#.. .#.#. #...# .#### #####
        ..... ..... #.... ....# ..... ..... ..... ..... ..... ..... ..... ....# .....
        ..... ..... #.... ....# ..... ..... ..... ..... ..... ..... ..... .###. .....
        """, """
        0     1     2     3     4     5     6     7     8     9     %     #     &
        .###. ..#.. .###. .###. ...#. ##### ..##. ##### .###. .###. ##..# .#.#. .##..
        #...# .##.. #...# #...# ..##. #.... .#... ....# #...# #...# ##..# .#.#. #..#.
        #...# ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...# ...#. ##### #.#..
        #...# ..#.. ...#. ..##. #..#. ....# ####. ..#.. .###. .#### ..#.. .#.#. .#...
        #...# ..#.. ..#.. ....# ##### ....# #...# .#... #...# ....# .#... ##### #.#.#
        #...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#. #..## .#.#. #..#.
        .###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.. #..## .#.#. .##.#
        """, """
        .     ,     :     ;     -     +     =     _     (     )     [     ]     /
        ..... ..... ..... ..... ..... ..... ..... ..... ...#. .#... .##.. .##.. ....#
        ..... ..... ..... ..... ..... ..#.. ..... ..... ..#.. ..#.. .#... ..#.. ....#
        ..... ..... ..#.. ..#.. ..... ..#.. .###. ..... ..#.. ..#.. .#... ..#.. ...#.
        ..... ..... ..... ..... .###. ##### ..... ..... ..#.. ..#.. .#... ..#.. ..#..
        ..... ..... ..... ..... ..... ..#.. .###. ..... ..#.. ..#.. .#... ..#.. .#...
        ..... ..... ..... ..... ..... ..#.. ..... ..... ..#.. ..#.. .#... ..#.. #....
        ..#.. ..#.. ..#.. ..#.. ..... ..... ..... ##### ...#. .#... .##.. .##.. #....
        ..... ..#.. ..... ..#.. ..... ..... ..... ..... ..... ..... ..... ..... .....
        ..... .#... ..... .#... ..... ..... ..... ..... ..... ..... ..... ..... .....
        """, """
        !     ?     '     "     *     <     >     |     \u00b7
        ..#.. .###. ..#.. .#.#. ..... ...#. .#... ..#.. .....
        ..#.. #...# ..#.. .#.#. #.#.# ..#.. ..#.. ..#.. .....
        ..#.. ....# ..... ..... .###. .#... ...#. ..#.. .....
        ..#.. ...#. ..... ..... ##### #.... ....# ..#.. ..#..
        ..#.. ..#.. ..... ..... .###. .#... ...#. ..#.. .....
        ..... ..... ..... ..... #.#.# ..#.. ..#.. ..#.. .....
        ..#.. ..#.. ..... ..... ..... ...#. .#... ..#.. .....
        """};

    private static final boolean[][] BOX = glyph(List.of("#####", "#...#", "#...#", "#...#", "#...#", "#...#", "#####"),
            0, CELL);
    private static final Map<Character, boolean[][]> FONT = parse();

    private PixelFont() {
    }

    /** The width of {@code text} in font pixels, without the space after the last letter. */
    static int width(String text) {
        int width = 0;
        for (int i = 0; i < text.length(); i++) {
            width += advance(text.charAt(i));
        }
        return Math.max(0, width - 1);
    }

    /**
     * Draws {@code text} with the top of its capitals at {@code y}, every font pixel as {@code scale x scale}
     * picture pixels.
     */
    static void draw(Picture picture, String text, int x, int y, int scale, int rgb) {
        for (int i = 0; i < text.length(); i++) {
            boolean[][] glyph = FONT.getOrDefault(text.charAt(i), BOX);
            for (int row = 0; row < glyph.length; row++) {
                for (int column = 0; column < glyph[row].length; column++) {
                    if (glyph[row][column]) {
                        picture.fill(x + column * scale, y + row * scale, scale, scale, rgb);
                    }
                }
            }
            x += advance(text.charAt(i)) * scale;
        }
    }

    private static int advance(char c) {
        return FONT.getOrDefault(c, BOX)[0].length + 1;
    }

    private static Map<Character, boolean[][]> parse() {
        Map<Character, boolean[][]> font = new HashMap<>();
        for (String block : GLYPHS) {
            List<String> rows = new ArrayList<>(block.lines().toList());
            String names = rows.remove(0);
            for (int at = 0; at < names.length(); at += CELL + 1) {
                char name = names.charAt(at);
                font.put(name, Character.isDigit(name) ? glyph(rows, at, at + CELL) : trimmed(rows, at));
            }
        }
        font.put(' ', new boolean[1][SPACE]);
        return font;
    }

    private static boolean[][] trimmed(List<String> rows, int at) {
        int from = at;
        while (blank(rows, from)) {
            from++;
        }
        int to = at + CELL;
        while (blank(rows, to - 1)) {
            to--;
        }
        return glyph(rows, from, to);
    }

    private static boolean blank(List<String> rows, int column) {
        return rows.stream().allMatch(row -> row.charAt(column) == '.');
    }

    private static boolean[][] glyph(List<String> rows, int from, int to) {
        boolean[][] glyph = new boolean[rows.size()][to - from];
        for (int row = 0; row < glyph.length; row++) {
            for (int column = from; column < to; column++) {
                glyph[row][column - from] = rows.get(row).charAt(column) == '#';
            }
        }
        return glyph;
    }
}
