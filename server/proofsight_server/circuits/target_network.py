"""The part of a network that computes a target, run by its graph and never by hooks.

What masks kernels, measures, shrinks or draws a circuit starts from a `TargetNetwork`:

    network = target_network(model, parse_target("conv3:12"), input_shape)
    network.wiring                      # nodes, kernels that count, reachability
    network.layers["features.6"].module # the convolution itself
    network(batch)                      # the target's map y (n, h, w), or logit (n,)
    network(batch, parameters={"features.3": Parameters(weight, bias)})   # with other weights
    network(batch, observe=f)           # f(layer, x, z) sees every layer's input and output

Other names of this room: `scores.select`, `scores.effective` (see `selection.py`), `score`
(`scoring.py`), `force` (`force.py`).
"""
