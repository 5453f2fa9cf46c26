/** Fetches shared libraries from jars of a Maven repository, when they are needed for the first time. */
package io.framecast.fetch;
