// Keras's Adam over a whole row of parameters in one launch.
//
//   m += (g - m)(1 - beta1)        v += (g*g - v)(1 - beta2)        p -= alpha*m/(sqrt(v) + epsilon)
//
// alpha = lr*sqrt(1 - beta2^t)/(1 - beta1^t) comes from the host, in memory, so that a launch recorded once serves all
// steps; and so does 1 - beta: in float32 it would lose digits of 0.001.
//
// Launch: block 256, grid at most ceil(n / 1024); fewer blocks take more each. Bound by bytes: 28 a parameter.
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
    const long long vectors = fours(n, p, g, m, v);
    for (long long i = firstIndex(); i < vectors; i += indexStep()) {
        float4 p4 = fourAt(p, i), m4 = fourAt(m, i), v4 = fourAt(v, i);
        const float4 g4 = fourAt(g, i);
        step.update(p4.x, g4.x, m4.x, v4.x);
        step.update(p4.y, g4.y, m4.y, v4.y);
        step.update(p4.z, g4.z, m4.z, v4.z);
        step.update(p4.w, g4.w, m4.w, v4.w);
        fourAt(p, i) = p4;
        fourAt(m, i) = m4;
        fourAt(v, i) = v4;
    }
    for (long long i = 4 * vectors + firstIndex(); i < n; i += indexStep()) step.update(p[i], g[i], m[i], v[i]);
}
