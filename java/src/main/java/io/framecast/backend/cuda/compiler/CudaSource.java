package io.framecast.backend.cuda.compiler;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A CUDA source with all headers that it includes, directly or indirectly.
 *
 * @param headers texts by name
 */
record CudaSource(String name, String text, SortedMap<String, String> headers) {

    private static final Pattern INCLUDE = Pattern.compile("^\\s*#\\s*include\\s*\"([^\"]+)\"", Pattern.MULTILINE);

    /** A source among the resources of io/framecast/cuda, with its headers. */
    static CudaSource of(String name) {
        String text = read(name);
        SortedMap<String, String> headers = new TreeMap<>();
        collect(text, headers);
        return new CudaSource(name, text, headers);
    }

    private static void collect(String text, SortedMap<String, String> headers) {
        Matcher include = INCLUDE.matcher(text);
        while (include.find()) {
            String name = include.group(1);
            if (!headers.containsKey(name)) {
                headers.put(name, read(name));
                collect(headers.get(name), headers);
            }
        }
    }

    private static String read(String name) {
        try (InputStream in = CudaSource.class.getResourceAsStream("/io/framecast/cuda/" + name)) {
            if (in == null) {
                throw new IllegalArgumentException("there is no CUDA source " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
