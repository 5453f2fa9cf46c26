/**
 * How a network is computed. A {@link io.framecast.backend.Backend} owns one device and makes ops, each planned for
 * one shape. Ops work on whole sequences, time-major and channels last: (frames, batch, height, width, channels).
 */
package io.framecast.backend;
