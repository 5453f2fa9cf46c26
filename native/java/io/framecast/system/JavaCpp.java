package io.framecast.system;

import io.framecast.FramecastException;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;

/** Configures JavaCPP and loads libraries with it. */
public final class JavaCpp {

    /** JavaCPP's own library. */
    private static final Class<?> OWN = org.bytedeco.javacpp.presets.javacpp.class;

    private static final String OWN_LIBRARY = "org/bytedeco/javacpp/linux-x86_64/libjnijavacpp.so";

    private static final String CACHE = "org.bytedeco.javacpp.cachedir";

    private static final Set<Class<?>> LOADED = new HashSet<>();

    private JavaCpp() {
    }

    /**
     * Changes two defaults of JavaCPP. It must not track memory or free native objects after garbage collection: here
     * every native object has an owner that closes it. And it must not unpack libraries to the home directory or to
     * /tmp, where other users may have created the directory: they go to {@link UserCache}. Call this before any other
     * use of JavaCPP, which reads these settings once.
     *
     * <p>In a bundle the libraries are files: they are loaded from where they lie, and no directory is needed.
     *
     * @throws FramecastException if no cache directory can be used
     */
    public static synchronized void configure() {
        System.setProperty("org.bytedeco.javacpp.nopointergc", "true");
        System.setProperty("org.bytedeco.javacpp.maxphysicalbytes", "0");
        if (isBundle()) {
            System.setProperty("org.bytedeco.javacpp.cacheLibraries", "false");
        } else {
            System.setProperty(CACHE, UserCache.directory().toString());
        }
    }

    private static boolean isBundle() {
        URL own = JavaCpp.class.getClassLoader().getResource(OWN_LIBRARY);
        return own != null && own.getProtocol().equals("file");
    }

    /** Loads JavaCPP's own library, which {@link Loader} needs for some calls. */
    public static void load() {
        load(OWN);
    }

    /**
     * Loads the libraries of a class with JavaCPP bindings, and checks that each file is equal to the one in the jar.
     *
     * @throws FramecastException if a library cannot be loaded
     */
    public static synchronized void load(Class<?> binding) {
        if (LOADED.contains(binding)) {
            return;
        }
        configure();
        if (binding != OWN) {
            load(OWN);
        }
        try {
            ClassProperties properties = Loader.loadProperties(binding, Loader.loadProperties(), true);
            List<String> libraries = new ArrayList<>(properties.get("platform.preload"));
            libraries.addAll(properties.get("platform.library"));
            for (String library : libraries) {
                for (URL resource : Loader.findLibrary(binding, properties, library)) {
                    unpack(resource);
                }
            }
            Loader.load(binding);
        } catch (IOException | LinkageError e) {
            throw new FramecastException("The native libraries cannot be loaded" + (isBundle() ? ": " + reason(e)
                    + "; unpack the bundle anew, where programs can be run from." : " from " + UserCache.directory()
                    + ": " + reason(e) + "; set " + UserCache.VARIABLE
                    + " to another directory of your own that programs can be run from."), e);
        }
        LOADED.add(binding);
    }

    /**
     * The first line of the root cause's message. The outer messages are misleading: when JavaCPP fails to load its own
     * file, it searches the library path, and reports that.
     */
    private static String reason(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse("");
    }

    /**
     * The file of a library that is a resource: the resource itself if it is a file, else a copy in the user's cache.
     *
     * @throws IOException if it cannot be unpacked
     */
    public static synchronized Path unpack(URL resource) throws IOException {
        if (resource.getProtocol().equals("file")) {
            return Path.of(URI.create(resource.toString()));
        }
        configure();
        System.setProperty(CACHE, UserCache.directory().toString());
        Path file = Loader.cacheResource(resource).toPath();
        if (checksum(file) != checksum(resource)) {
            // A full disk or a crash can leave a damaged file that JavaCPP accepts: it compares only size and date.
            Files.deleteIfExists(file);
            file = Loader.cacheResource(resource).toPath();
            if (checksum(file) != checksum(resource)) {
                throw new IOException(file + " is not what " + resource + " holds");
            }
        }
        return file;
    }

    private static long checksum(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return checksum(in);
        }
    }

    private static long checksum(URL resource) throws IOException {
        URLConnection connection = resource.openConnection();
        if (connection instanceof JarURLConnection jar) {
            return jar.getJarEntry().getCrc();
        }
        try (InputStream in = connection.getInputStream()) {
            return checksum(in);
        }
    }

    private static long checksum(InputStream in) throws IOException {
        CRC32 checksum = new CRC32();
        byte[] buffer = new byte[1 << 16];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            checksum.update(buffer, 0, n);
        }
        return checksum.getValue();
    }
}
