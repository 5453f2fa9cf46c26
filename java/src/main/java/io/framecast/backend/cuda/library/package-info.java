/** Not API: how CUDA's shared libraries, and JCuda's bindings to them, are found and loaded. */
package io.framecast.backend.cuda.library;
