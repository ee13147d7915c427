/* The rate of one iteration, plainly written: what a trainer does once per iteration. */

#include <math.h>

enum policy { CONSTANT, STEP, STEPS, EXP, POLY, RANDOM, SIGMOID, SGDR };

struct net {
    int policy;
    float learning_rate;
    float learning_rate_min;
    int max_batches;
    int burn_in;
    float power;
    int step;
    float scale;
    float gamma;
    float u;
    int sgdr_cycle;
    int sgdr_mult;
    int num_steps;
    const int *steps;
    const float *scales;
};

float rate(const struct net *net, int t)
{
    float product;
    int i, start, size;

    if (t < net->burn_in)
        return net->learning_rate * pow((float)t / net->burn_in, net->power);

    switch (net->policy) {
    case STEP:
        return net->learning_rate * pow(net->scale, t / net->step);
    case STEPS:
        product = net->learning_rate;
        for (i = 0; i < net->num_steps && net->steps[i] <= t; ++i)
            product *= net->scales[i];
        return product;
    case EXP:
        return net->learning_rate * pow(net->gamma, t);
    case POLY:
        return net->learning_rate * pow(1 - (float)t / net->max_batches, net->power);
    case RANDOM:
        return net->learning_rate * pow(net->u, net->power);
    case SIGMOID:
        return net->learning_rate * (1. / (1. + exp(net->gamma * (t - net->step))));
    case SGDR:
        start = 0;
        size = net->sgdr_cycle;
        while (start + size < t) {
            start += size;
            size *= net->sgdr_mult;
        }
        return net->learning_rate_min
            + 0.5 * (net->learning_rate - net->learning_rate_min) * (1. + cos((float)(t - start) * 3.14159265 / size));
    default:
        return net->learning_rate;
    }
}

void rates(const struct net *net, int count, float *out)
{
    for (int t = 0; t < count; ++t)
        out[t] = rate(net, t);
}
