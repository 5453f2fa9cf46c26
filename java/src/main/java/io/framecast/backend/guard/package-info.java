/**
 * The checks that every backend makes of the calls on it. Not part of the API: for implementations of
 * {@link io.framecast.backend.Backend}.
 */
package io.framecast.backend.guard;
