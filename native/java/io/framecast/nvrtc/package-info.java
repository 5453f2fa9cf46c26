/** Not API: the bindings of native/nvrtc, which opens NVIDIA's compiler of CUDA C++. */
package io.framecast.nvrtc;
