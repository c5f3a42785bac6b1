# The server. Build and run:
#
#   docker build --tag proofsight .
#   docker run --publish 127.0.0.1:50051:50051 --volume "$PWD/repository:/repository:ro" proofsight
#
# TORCH_INDEX may name a package index with another build of torch, say a smaller one for CPUs only:
#   docker build --build-arg TORCH_INDEX=... --tag proofsight .

FROM debian:bookworm-slim AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/proofsight
ENV PATH=/opt/proofsight/bin:$PATH

WORKDIR /source
COPY constraints.txt ./
# torch first and apart: it is the largest layer and changes least.
ARG TORCH_INDEX
RUN pip install --constraint constraints.txt pip \
    && pip install --constraint constraints.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch torchvision

COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY proto proto
COPY prolog prolog
COPY client client
COPY server server
RUN pip install --constraint constraints.txt --build-constraint constraints.txt '.[server]'


FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 swi-prolog-nox \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --create-home --home-dir /home/proofsight proofsight

COPY --from=build /opt/proofsight /opt/proofsight
ENV PATH=/opt/proofsight/bin:$PATH PYTHONUNBUFFERED=1

USER 10001:10001
WORKDIR /home/proofsight
EXPOSE 50051

# The health service's empty name: the process lives. PROOFSIGHT_PORT is the server's own setting.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import grpc, os; from grpc_health.v1 import health_pb2 as h, health_pb2_grpc as g; channel = grpc.insecure_channel('127.0.0.1:' + os.environ.get('PROOFSIGHT_PORT', '50051')); answer = g.HealthStub(channel).Check(h.HealthCheckRequest(), timeout=4); raise SystemExit(answer.status != h.HealthCheckResponse.SERVING)"]

LABEL org.opencontainers.image.title="Proofsight" \
    org.opencontainers.image.description="Explains image classifiers with proofs" \
    org.opencontainers.image.licenses="Apache-2.0"

ENTRYPOINT ["proofsight"]
# Inside a container every caller is beyond loopback. There is no TLS here: publish the port to
# loopback or to a proxy that ends TLS, as above.
CMD ["serve", "/repository", "--host", "0.0.0.0", "--insecure"]
