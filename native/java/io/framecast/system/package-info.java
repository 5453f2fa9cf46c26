/** Not API: the processor, the Java heap, the directory for native libraries, and how JavaCPP loads these. */
package io.framecast.system;
