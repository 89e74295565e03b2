"""A stand-in for RunPod's serverless queue on loopback: what the unmodified SDK and clients need.

It is not RunPod: no accounts, no scaling, no rate limits, one endpoint. What is not known of the
real platform is a setting (`[platform]`), so that tests can try both extremes.
"""
