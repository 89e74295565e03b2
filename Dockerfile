# The worker as an image: supervisord and what it runs, in two Python environments.
#
#   docker build --tag podkeeper .                                     on a GPU host
#   scripts/build-image                                                wherever an engine is found
#   docker build --build-context webui=docker-image://MY-WEBUI .       with another WebUI
#
# The WebUI's libraries and the RunPod SDK exclude each other, hence /opt/webui and /opt/podkeeper.
# The `webui` stage here holds the simulator; what replaces it brings its own folder /opt/webui and
# sets PODKEEPER_WEBUI__COMMAND. Versions come from locks/, and every download is checked by hash;
# the locks name all there is (--no-deps): pip would look for an extra's newest release otherwise.
ARG BASE_IMAGE=docker.io/nvidia/cuda:12.8.1-runtime-ubuntu24.04

FROM ${BASE_IMAGE} AS base
# CUDA images bring no Python.
RUN python3 -c 'import ensurepip, venv' 2>/dev/null \
    || { apt-get update \
         && apt-get install -y --no-install-recommends python3 python3-venv \
         && rm -rf /var/lib/apt/lists/*; }

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY locks/build.lock /locks/
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --no-deps --require-hashes --requirement /locks/build.lock

# The three stages below do not depend on each other: a change of the code reinstalls no library.
FROM build AS wheel
COPY pyproject.toml README.md LICENSE /src/
COPY conf /src/conf
COPY podkeeper /src/podkeeper
COPY handler /src/handler
COPY hooks /src/hooks
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels /src

FROM build AS keeper
COPY locks/handler.lock /locks/
RUN python3 -m venv --without-pip /opt/podkeeper \
    && /opt/build/bin/pip --python /opt/podkeeper/bin/python install --quiet \
       --no-deps --require-hashes --requirement /locks/handler.lock
COPY --from=wheel /wheels /wheels
RUN /opt/build/bin/pip --python /opt/podkeeper/bin/python install --quiet \
    --no-deps --no-index /wheels/*.whl

FROM build AS webui
COPY locks/sim.lock /locks/
RUN python3 -m venv --without-pip /opt/webui \
    && /opt/build/bin/pip --python /opt/webui/bin/python install --quiet \
       --no-deps --require-hashes --requirement /locks/sim.lock
COPY --from=wheel /wheels /wheels
RUN /opt/build/bin/pip --python /opt/webui/bin/python install --quiet \
    --no-deps --no-index /wheels/*.whl

FROM base AS worker
# A volume that belongs to root needs `--user 0`; everything here works as root too.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin podkeeper \
    && install -d -o podkeeper -g podkeeper -m 0755 \
       /home/podkeeper /run/podkeeper /var/lib/podkeeper \
    # So that supervisorctl needs no option.
    && ln -s /run/podkeeper/supervisord.conf /etc/supervisord.conf
COPY --from=webui /opt/webui /opt/webui
COPY --from=keeper /opt/podkeeper /opt/podkeeper
ENV PATH=/opt/podkeeper/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PODKEEPER_WORKER__RUNTIME_DIR=/run/podkeeper \
    PODKEEPER_WORKER__STATE_DIR=/var/lib/podkeeper \
    PODKEEPER_WEBUI__COMMAND="/opt/webui/bin/python -m podkeeper.sim.webui --port {port}" \
    PODKEEPER_PLATFORM__COMMAND="/opt/webui/bin/python -m podkeeper.sim.platform"
USER podkeeper
WORKDIR /home/podkeeper
STOPSIGNAL SIGTERM
# A first load of a checkpoint takes minutes; the check itself takes milliseconds.
HEALTHCHECK --interval=15s --timeout=3s --start-period=420s --retries=3 \
    CMD ["/opt/podkeeper/bin/podkeeper", "healthcheck"]
# Checks the settings and renders; then it is replaced by the command, which so becomes PID 1.
ENTRYPOINT ["/opt/podkeeper/bin/podkeeper", "entrypoint"]
CMD ["supervisord", "-n", "-c", "/run/podkeeper/supervisord.conf"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="podkeeper" \
      org.opencontainers.image.description="Keeps a GPU inference worker up" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
