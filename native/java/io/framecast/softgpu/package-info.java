/** Not API: loads and controls the software CUDA device, {@code native/softgpu}. */
package io.framecast.softgpu;
