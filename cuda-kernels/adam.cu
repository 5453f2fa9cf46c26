// Keras's Adam, elementwise over all n parameters in one launch.
//
//   m += (g - m)(1 - beta1)        v += (g*g - v)(1 - beta2)        p -= alpha*m/(sqrt(v) + epsilon)
//
// alpha = lr*sqrt(1 - beta2^t)/(1 - beta1^t) is read from memory, so that a captured graph can be launched again for
// each step. 1 - beta is computed on the host in double: in float, 1 - 0.999f has lost digits.
//
// Launch: block 256, grid at most ceil(n / 1024): a grid-stride loop. Bound by bytes: 28 a parameter.
#include "elementwise.cuh"

struct Adam {
    float alpha, oneMinusBeta1, oneMinusBeta2, epsilon;

    __device__ void update(float &p, float g, float &m, float &v) const {
        m += (g - m) * oneMinusBeta1;
        v += (g * g - v) * oneMinusBeta2;
        p -= alpha * m / (sqrtf(v) + epsilon);
    }
};

extern "C" __global__ void __launch_bounds__(256) adam(float *p, const float *g, float *m, float *v, long long n,
        const float *alpha, float oneMinusBeta1, float oneMinusBeta2, float epsilon) {
    const Adam step{*alpha, oneMinusBeta1, oneMinusBeta2, epsilon};
    const long long vectors = vectorCount(n, p, g, m, v);
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        float4 p4 = asFloat4(p, i), m4 = asFloat4(m, i), v4 = asFloat4(v, i);
        const float4 g4 = asFloat4(g, i);
        step.update(p4.x, g4.x, m4.x, v4.x);
        step.update(p4.y, g4.y, m4.y, v4.y);
        step.update(p4.z, g4.z, m4.z, v4.z);
        step.update(p4.w, g4.w, m4.w, v4.w);
        asFloat4(p, i) = p4;
        asFloat4(m, i) = m4;
        asFloat4(v, i) = v4;
    }
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) step.update(p[i], g[i], m[i], v[i]);
}
