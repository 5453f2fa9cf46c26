/**
 * Not API: the CPU backend, which computes networks with oneDNN and this project's C++. It is opened by
 * {@link io.framecast.device.Backends}.
 */
package io.framecast.backend.cpu;
