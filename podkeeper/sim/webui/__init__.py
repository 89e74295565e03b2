"""A stand-in for AUTOMATIC1111's WebUI 1.10.1: the same API, pretended pictures, faults on demand.

`main` starts it, `app` answers requests, `engine` runs jobs. It needs the extra `podkeeper[sim]`.
"""
