/**
 * Not API: the checks that every backend makes of the calls on it, for implementations of
 * {@link io.framecast.backend.Backend}.
 */
package io.framecast.backend.guard;
