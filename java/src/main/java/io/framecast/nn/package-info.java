/**
 * What is computed: layer configurations, the network built from them on a backend, initial values and Adam. Knows
 * {@link io.framecast.backend.Backend} and no implementation of it.
 */
package io.framecast.nn;
