package io.framecast.backend.cuda;

import java.nio.file.Path;
import java.util.Map;

/** Where this project keeps what it can fetch or make anew. */
final class UserCache {

    private UserCache() {
    }

    /** By the XDG convention: in XDG_CACHE_HOME where that is an absolute path, else in the home's .cache. */
    static Path directory(Map<String, String> environment) {
        String caches = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path cache = caches.startsWith("/") ? Path.of(caches) : Path.of(System.getProperty("user.home"), ".cache");
        return cache.resolve("framecast");
    }
}
