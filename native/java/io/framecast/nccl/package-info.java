/** The JavaCPP bindings of native/nccl. */
package io.framecast.nccl;
