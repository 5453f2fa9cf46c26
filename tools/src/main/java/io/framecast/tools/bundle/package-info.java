/** The parts of tools/bundle that are Java: {@link io.framecast.tools.bundle.BundledKernels}. */
package io.framecast.tools.bundle;
