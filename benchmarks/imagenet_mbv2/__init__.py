"""ZiCo's ImageNet search space of inverted bottlenecks."""

from benchmarks.imagenet_mbv2.space import ImagenetMbv2 as ImagenetMbv2
