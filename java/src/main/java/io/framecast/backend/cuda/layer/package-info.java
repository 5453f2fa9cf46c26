/**
 * The ops of the layers, the loss and the optimiser, which {@link io.framecast.backend.cuda.layer.CudaLayers} makes.
 * Not part of the API.
 */
package io.framecast.backend.cuda.layer;
