/**
 * Not API: the ops of the layers, the loss and the optimiser, which {@link
 * io.framecast.backend.cuda.layer.CudaLayers} makes.
 */
package io.framecast.backend.cuda.layer;
