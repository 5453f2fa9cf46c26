/**
 * How CUDA's shared libraries, and JCuda's bindings to them, are found and loaded. Not part of the API.
 */
package io.framecast.backend.cuda.library;
