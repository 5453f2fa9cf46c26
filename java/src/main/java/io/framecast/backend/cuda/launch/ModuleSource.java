package io.framecast.backend.cuda.launch;

import java.util.List;

/**
 * What a module was compiled from.
 *
 * @param file a resource of io/framecast/cuda
 * @param options the compiler's further ones
 */
public record ModuleSource(String file, List<String> options) {
}
