package io.framecast.video;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names in the order in which people count: frame2 before frame10. */
final class NaturalOrder implements Comparator<Path> {

    private static final Pattern PART = Pattern.compile("\\d+|\\D+");

    @Override
    public int compare(Path one, Path other) {
        String a = one.toString();
        String b = other.toString();
        Matcher left = PART.matcher(a);
        Matcher right = PART.matcher(b);
        while (left.find() && right.find()) {
            int order = compare(left.group(), right.group());
            if (order != 0) {
                return order;
            }
        }
        // One is the beginning of the other, or they differ only by leading zeros.
        return a.length() != b.length() ? Integer.compare(a.length(), b.length()) : a.compareTo(b);
    }

    private static int compare(String one, String other) {
        if (!Character.isDigit(one.charAt(0)) || !Character.isDigit(other.charAt(0))) {
            return one.compareTo(other);
        }
        String a = one.replaceFirst("^0+(?=.)", "");
        String b = other.replaceFirst("^0+(?=.)", "");
        return a.length() != b.length() ? Integer.compare(a.length(), b.length()) : a.compareTo(b);
    }
}
