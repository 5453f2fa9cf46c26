/** Not API: JavaCPP's bindings of {@code native/cpu}, the C++ of the CPU backend. */
package io.framecast.cpu;
