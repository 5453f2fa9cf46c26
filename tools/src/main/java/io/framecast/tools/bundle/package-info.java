/**
 * The parts of tools/bundle that are Java: {@link io.framecast.tools.bundle.BundledKernels} and
 * {@link io.framecast.tools.bundle.BundledLibraries}.
 */
package io.framecast.tools.bundle;
